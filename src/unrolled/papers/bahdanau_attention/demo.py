"""The demo of the chapter: a number to translate, and where the model looks for each word that it writes."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from unrolled import load
from unrolled.data import spelled
from unrolled.data.vocabulary import START, STOP, Vocabulary
from unrolled.demos import Demo, Graph, Prompt
from unrolled.demos.picture import level
from unrolled.nn.attention import Memory
from unrolled.nn.checks import length_mask
from unrolled.nn.gru import recurrent
from unrolled.papers.bahdanau_attention.experiment import RNNsearchExperiment as Experiment
from unrolled.papers.bahdanau_attention.model import RNNsearch, decoder_step
from unrolled.training.presets import preset

PRESETS = {"de": "numbers_de", "fr": "live"}
NUMBER, LANGUAGE = 654_321, "de"
LONGEST = 18
"""Words of the longest number, with the stop symbol."""

PROMPTS = (
    Prompt(
        "654,321 in German",
        "German says the units before the tens: “vier und fünfzig” is four and fifty. There the strong cells "
        "cross, and after it they come back to the diagonal.",
        {"number": NUMBER, "language": LANGUAGE},
    ),
    Prompt(
        "The same number in French",
        "French keeps the English order, so most strong cells lie along the diagonal.",
        {"number": NUMBER, "language": "fr"},
    ),
    Prompt(
        "347 in French: follow “cent”",
        "“Cent” means “hundred”, and yet its largest weight lies on “forty”, the word that is written next. "
        "The translation is right all the same: weights show where a model looks, not what it understands.",
        {"number": 347, "language": "fr"},
    ),
    Prompt(
        "The longest numbers: 777,777,777",
        "These are seventeen English words, with “seven hundred and seventy seven” three times over. The "
        "model has to know which of the three it has come to.",
        {"number": 777_777_777, "language": "de"},
    ),
    Prompt(
        "Zero in German",
        "One training pair in ten thousand says “zero”. The model writes some other number, and nothing in "
        "its weights warns you.",
        {"number": 0, "language": "de"},
    ),
)


class Read(nn.Module):
    """The encoder and what attention computes once: the first state, the annotations and their keys."""

    outputs = ("s", "annotations", "keys")

    def __init__(self, model: RNNsearch) -> None:
        super().__init__()
        self.model = model

    def forward(self, source: Tensor, length: Tensor):
        """From words ``[1, LONGEST]`` and their number ``[1]``, both int32."""
        s, memory = self.model.encode(source.long(), length.long())
        return s, memory.annotations, memory.keys


class Write(nn.Module):
    """One step of the decoder: the new state, the weights, and the probability of every word to come next."""

    outputs = ("s", "alpha", "probabilities")

    def __init__(self, model: RNNsearch) -> None:
        super().__init__()
        self.model = model

    def forward(self, word: Tensor, s: Tensor, annotations: Tensor, keys: Tensor, length: Tensor):
        """From the word before ``[1]``, the state, and what `Read` gave."""
        model, embedded = self.model, self.model.embedding(word.long())
        attend = partial(model.attend, memory=Memory(annotations, keys, ~length_mask(length.long(), LONGEST)))
        weights = recurrent(model.weight_hidden), model.weight_context
        new, (context, alpha, _) = decoder_step(s, model.from_y(embedded), *weights, attend)
        logits = model.output(s if model.output_state == "previous" else new, embedded, context)
        return new, alpha.t(), logits.softmax(1)


def graphs(model: RNNsearch) -> tuple[Graph, Graph]:
    """Both parts of a model, with examples of what goes in."""
    words = {"source": torch.full((1, LONGEST), STOP).int(), "length": torch.tensor([3]).int()}
    read = Graph(Read(model), words)
    given = {"word": torch.tensor([START]).int(), **read(**words), "length": words["length"]}
    return read, Graph(Write(model), given)


def translate(parts: tuple[Graph, Graph], source: Vocabulary, number: int) -> tuple[Tensor, Tensor]:
    """The likeliest word, again and again: weights ``[words, source]`` and probabilities of every word."""
    read, write = parts
    words, lengths = (part.int() for part in source.encode(spelled.sentences([number], "en")))
    given = read(source=pad(words, (0, LONGEST - words.shape[1]), value=STOP), length=lengths)
    word, alphas, probabilities = START, [], []
    while word != STOP and len(alphas) < 2 * LONGEST:
        step = write(word=torch.tensor([word]).int(), length=lengths, **given)
        given["s"], word = step["s"], int(step["probabilities"].argmax())
        alphas.append(step["alpha"][:, : int(lengths)])
        probabilities.append(step["probabilities"])
    return torch.cat(alphas), torch.cat(probabilities)


def pieces(language: str) -> list[list[str]]:
    """Every number of up to three digits in words: as it is, as thousands, and as millions."""
    scales = (1, 1000, 1000**2)
    return [[" ".join(spelled.words(group * scale, language)) for group in range(1000)] for scale in scales]


def picture(source: list[str], target: list[str], alpha: Tensor) -> str:
    """The weights as a table: a row for each word written, a column for each word read."""
    head = "".join(f'<th scope="col"><span>{word}</span></th>' for word in source)
    body = ""
    for word, weights in zip(target, alpha.tolist(), strict=True):
        cells = "".join(f'<td class="demo-w{level(weight)}"></td>' for weight in weights)
        body += f'<tr><th scope="row"><span>{word}</span></th>{cells}</tr>'
    return (
        '<div class="align-table"><table><caption>How much each English word counted for each word '
        f"written</caption><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        '<div class="align-word"></div>'
    )


def demo() -> Demo:
    """The demo, on the weights of the median seeds."""
    parts, words = {}, {}
    for language, name in PRESETS.items():
        parts[language] = graphs(load(f"bahdanau_attention/{name}"))
        words["en"], words[language] = Experiment(preset(Experiment, name).config, 0).vocabularies
    alpha, probabilities = translate(parts[LANGUAGE], words["en"], NUMBER)
    source, target = spelled.words(NUMBER, "en"), words[LANGUAGE].symbols(probabilities.argmax(1))[:-1]
    first = {"number": NUMBER, "language": LANGUAGE, "source": source, "at": 2}
    return Demo(
        title="Translate a number",
        lead="A model that was trained for seconds spells numbers in German or French. Type a number, then "
        "follow its words from top to bottom: the stronger a cell, the more that English word counted.",
        stage=picture([*source, "end"], [*target, "end"], alpha),
        caption=f"{NUMBER:,} is translated into “{' '.join(target)}”. Every row is a word that was written, "
        "every column an English word; strong cells cross where German says the units before the tens.",
        prompts=PROMPTS,
        graphs={f"{key}-read": read for key, (read, _) in parts.items()}
        | {f"{key}-write": write for key, (_, write) in parts.items()},
        trace=first | {"alpha": alpha, "probabilities": probabilities},
        settings={
            "longest": LONGEST,
            "largest": spelled.LARGEST,
            "words": {key: one.symbols(torch.arange(len(one))) for key, one in words.items()},
        },
        live={"spelled": {key: pieces(key) for key in words}},
    )
