"""The demo of the chapter: a story and a question, and the sentence that each hop picks in a scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from unrolled import load
from unrolled.data.worlds.rooms import PEOPLE, ROOMS, THINGS
from unrolled.demos import Demo, Graph, Prompt
from unrolled.demos.picture import level
from unrolled.papers.memory_networks.experiment import STOP, MemoryNetworkExperiment
from unrolled.papers.memory_networks.model import Memory, MemoryNetwork, read
from unrolled.papers.memory_networks.scores import Hop, scan
from unrolled.papers.memory_networks.words import Y
from unrolled.training.presets import preset

SLOTS, LONGEST = 9, 6
"""Sentences of the longest story, and words of the longest text."""

VARIANTS: dict[str, dict[str, Any]] = {
    "two": {"label": "two hops, time", "preset": "d5_object_two_hops", "hops": 2},
    "one": {"label": "one hop, time", "preset": "d5_object_one_hop", "hops": 1},
    "timeless": {"label": "two hops, no time", "preset": "d5_object_two_hops_no_time", "hops": 2},
}
STORY = (
    "Joe went to the kitchen",
    "Fred went to the garden",
    "Joe got the milk",
    "Joe went to the office",
    "Fred got the apple",
    "Joe dropped the milk",
    "Joe went to the bathroom",
    "Fred went to the bedroom",
)
DEEDS = (
    *(f"went to the {room}" for room in ROOMS),
    *(f"{verb} the {thing}" for verb in ("got", "dropped") for thing in THINGS),
)
QUESTIONS = (
    *(f"Where is {who}" for who in PEOPLE),
    *(f"Where is the {thing}" for thing in THINGS),
    *(f"Where was {who} before the {room}" for who in PEOPLE for room in ROOMS),
)

MOVES = (
    "Joe went to the office",
    "Fred went to the garden",
    "Joe went to the kitchen",
    "Fred went to the bedroom",
)
PROMPTS = (
    Prompt(
        "Where is the milk?",
        "Hop 1 finds the last sentence about the milk, hop 2 the room that Joe was in when he dropped it. "
        "The later move to the bathroom fits as well; there the time features decide.",
        {"story": STORY, "question": "Where is the milk", "variant": "two"},
    ),
    Prompt(
        "The same question with one hop",
        "The one hop finds the right sentence, which does not name a room. All rooms get nearly the same "
        "score, and the answer is a guess.",
        {"story": STORY, "question": "Where is the milk", "variant": "one"},
    ),
    Prompt(
        "Where was Joe before the bathroom?",
        "Hop 1 finds the move to the bathroom, and hop 2 the latest move before it.",
        {"story": STORY, "question": "Where was Joe before the bathroom", "variant": "two"},
    ),
    Prompt(
        "Without a sense of time",
        "The sentences about Joe differ in their rooms alone, so this network prefers one of the rooms, "
        "whichever came last.",
        {"story": MOVES, "question": "Where is Joe", "variant": "timeless"},
    ),
    Prompt(
        "Nobody has mentioned the apple",
        "The network cannot say that it does not know. It picks a sentence all the same, and answers.",
        {"story": MOVES, "question": "Where is the apple", "variant": "two"},
    ),
)


class Choose(nn.Module):
    """One hop: the scores of slot 0 and of every sentence, and what the features of their order are worth."""

    outputs = ("scores", "order")

    def __init__(self, model: MemoryNetwork, stop: Tensor) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("stop", stop)

    def memory(self, facts: Tensor) -> Memory:
        """Slot 0 and the sentences of one story."""
        model, table, story = self.model, self.model.O.table(), torch.arange(SLOTS + 1).unsqueeze(0)
        features = model.I(torch.cat((self.stop, facts)).long(), model.vocabulary)
        return Memory(table, features, story, features @ table[Y], story >= 0)

    def forward(self, query: Tensor, facts: Tensor, chosen: Tensor):
        """From words ``[1, LONGEST]`` and ``[SLOTS, LONGEST]``, and the slot ``[1]`` chosen before, or 0."""
        memory = self.memory(facts)
        question = read(query.long(), self.model.vocabulary)
        return tuple(self.model.hop(memory, question, memory.at(chosen.long()).unsqueeze(1)))


class Respond(Choose):
    """The answer: the scores of all words."""

    outputs = ("scores",)

    def forward(self, query: Tensor, facts: Tensor, picked: Tensor):
        """From words as in `Choose`, and the slots of both hops ``[2]``, 0 where a hop has none."""
        memory = self.memory(facts)
        question = read(query.long(), self.model.vocabulary)
        known = torch.stack([memory.at(slot) for slot in picked.long().split(1)], 1)
        return (self.model.respond(question, known),)


def encode(text: str, words: Sequence[str]) -> Tensor:
    """A text as numbers of words, ``[1, LONGEST]``; 0 is no word."""
    numbers = [words.index(word) for word in text.lower().split()]
    return pad(torch.tensor([numbers]), (0, LONGEST - len(numbers))).int()


def ask(
    graphs: tuple[Graph, Graph], words: Sequence[str], story: Sequence[str], question: str, hops: int
) -> dict[str, Any]:
    """What the page computes: scores and worth of order for every hop, the slots picked, scores of words."""
    choose, respond = graphs
    facts = pad(torch.cat([encode(text, words) for text in story]), (0, 0, 0, SLOTS - len(story)))
    query, filled = encode(question, words), (torch.arange(SLOTS + 1) <= len(story)).unsqueeze(0)
    found, picked, x = [], torch.zeros(2).int(), torch.tensor([SLOTS + 1])
    for k in range(hops):
        found.append(Hop(**choose(query=query, facts=facts, chosen=picked[:1])))
        x = scan(found[k], x, filled, timed=True) * bool(x > 0)  # after slot 0 nothing follows
        picked[k] = x
    answer = respond(query=query, facts=facts, picked=picked)["scores"]
    scores, order = (torch.cat(part) for part in zip(*found, strict=True))
    return {"scores": scores, "order": order, "picked": picked[:hops], "answer": answer[0]}


def picture(found: dict[str, Tensor], words: Sequence[str], story: Sequence[str], question: str) -> str:
    """The first state: every sentence with its score in each hop, what was picked, and the best words."""
    body, hops = "", found["scores"][:, : len(story) + 1]
    low, high = hops.amin(1), hops.amax(1)
    shades = ((hops.T - low) / (high - low)).tolist()
    for slot, name in enumerate(("nothing more is needed", *story, *("",) * (SLOTS - len(story)))):
        cells = "<td></td>" * 2
        if slot <= len(story):
            cells = "".join(
                f'<td class="demo-w{level(shade)}{" story-picked" * (slot == best)}">{signed(score)}</td>'
                for shade, score, best in zip(shades[slot], hops[:, slot], found["picked"], strict=True)
            )
        head = f'<th scope="row">{name}</th>' if name else "<td></td>"
        body += f"<tr>{head}{cells}<td></td></tr>"
    scores, order = found["answer"], found["answer"][1:].argsort(descending=True) + 1
    shares = (scores - scores[order[-1]]) / (scores[order[0]] - scores[order[-1]])
    bars = "".join(
        f"<li><span>{words[n]}</span><b>{bar(float(shares[n]))}</b><span>{signed(scores[n])}</span></li>"
        for n in order[:5].tolist()
    )
    columns = "".join(f'<th scope="col">{name}</th>' for name in ("memory", "hop 1", "hop 2"))
    return (
        '<div class="story-table"><table><caption>The score of every sentence in each hop</caption>'
        f"<thead><tr>{columns}<td></td></tr></thead><tbody>{body}</tbody></table></div>"
        f'<div class="story-answer"><p class="story-question">{question}?</p>'
        f"<p><strong>{words[int(order[0])]}</strong></p><ul>{bars}</ul></div>"
    )


def signed(number: Tensor) -> str:
    """A number with one digit and a true minus."""
    return f"{float(number):.1f}".replace("-", "−")


def bar(share: float) -> str:
    """A bar as a map of one cell: its length is the share."""
    path = f'<path d="M0 0h{share:.3f}v1h-{share:.3f}z"/>'
    return (
        f'<svg class="story-bar" viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">{path}</svg>'
    )


def parts(model: MemoryNetwork, words: Sequence[str]) -> tuple[Graph, Graph]:
    """Both parts of a network, with examples of what goes in."""
    stop = encode(STOP, words)
    texts = {"query": encode(QUESTIONS[0], words), "facts": stop.new_zeros(SLOTS, LONGEST)}
    choose = Graph(Choose(model, stop), texts | {"chosen": torch.tensor([0]).int()})
    return choose, Graph(Respond(model, stop), texts | {"picked": torch.tensor([0, 0]).int()})


def vocabulary() -> tuple[str, ...]:
    """The words of the world, by number; 0 is no word."""
    config = preset(MemoryNetworkExperiment, VARIANTS["two"]["preset"]).config
    return MemoryNetworkExperiment(config, 0).prepared.vocabulary.words


def demo() -> Demo:
    """The demo, on the weights of the median seeds."""
    words = vocabulary()
    graphs = {name: parts(load(f"memory_networks/{v['preset']}"), words) for name, v in VARIANTS.items()}
    question = PROMPTS[0].input["question"]
    first = {"story": STORY, "question": question, "variant": "two"}
    found = ask(graphs["two"], words, STORY, question, hops=2)
    return Demo(
        title="Ask about a story",
        lead="A trained network looks for the sentences that answer a question. Add or remove sentences, "
        "choose a question, or take away a hop or the sense of time.",
        stage=picture(found, words, STORY, question),
        caption="Joe gets the milk, goes to the office, drops the milk there and leaves. Asked for the milk, "
        "hop 1 picks “Joe dropped the milk” and hop 2 “Joe went to the office”, and “office” scores best.",
        prompts=PROMPTS,
        graphs={f"{name}-hop": choose for name, (choose, _) in graphs.items()}
        | {f"{name}-respond": respond for name, (_, respond) in graphs.items()},
        trace=first | {name: part.tolist() for name, part in found.items()},
        settings={
            "words": words,
            "people": PEOPLE,
            "deeds": DEEDS,
            "questions": QUESTIONS,
            "slots": SLOTS,
            "longest": LONGEST,
            "variants": {name: {"label": v["label"], "hops": v["hops"]} for name, v in VARIANTS.items()},
        },
    )
