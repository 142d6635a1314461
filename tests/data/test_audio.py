"""Frames of sound: nothing is lost but the rest, what is written can be read, malformed files are told."""

import wave

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.data import audio


@given(length=st.integers(0, 50), size=st.integers(1, 12))
def test_frames_are_the_samples_in_order_without_the_rest(length, size):
    samples = np.arange(length)
    cut = audio.frames(samples, size)
    assert cut.shape == (length // size, size)
    assert np.array_equal(cut.reshape(-1), samples[: cut.size])


def test_frame_of_no_sample_is_refused():
    with pytest.raises(UsageError, match="at least one sample"):
        audio.frames(np.arange(3), 0)


@given(samples=st.lists(st.integers(-32768, 32767), max_size=40))
def test_what_is_written_is_what_is_read(tmp_path_factory, samples):
    path = tmp_path_factory.getbasetemp() / "sound.wav"
    normalised = (torch.tensor(samples, dtype=torch.float64) - 12.5) / 700.0
    path.write_bytes(audio.to_wav(normalised, mean=12.5, deviation=700.0))
    assert audio.read_wav(path).tolist() == samples


def test_too_loud_and_undefined_samples_are_still_a_sound(tmp_path):
    path = tmp_path / "sound.wav"
    path.write_bytes(audio.to_wav(torch.tensor([[9e9, -9e9], [float("nan"), float("inf")]])))
    assert audio.read_wav(path).tolist() == [32767, -32768, 0, 32767]


def sound(path, channels=1, width=2, rate=8000):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(b"\1\0" * 60)
    return path


@pytest.mark.parametrize("other", [{"channels": 2}, {"width": 1}, {"rate": 16_000}])
def test_recording_of_another_form_is_told(tmp_path, other):
    with pytest.raises(UnrolledError, match=r"expected 1 of 2 at 8000"):
        audio.read_wav(sound(tmp_path / "sound.wav", **other))


@pytest.mark.parametrize("kept", [0, 3, 20, 43, 44, 90, 163])
def test_every_cut_of_a_recording_is_told(tmp_path, kept):
    path = sound(tmp_path / "sound.wav")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UnrolledError) as caught:
        audio.read_wav(path)
    assert str(path) in str(caught.value)


def test_no_recording_left_is_told():
    with pytest.raises(UsageError, match="no recording"):
        audio.recordings(speakers=["nobody"])


class TestRealSpeech:
    @pytest.fixture(autouse=True)
    def _mirror(self, real_mirror):
        """These read the real files."""

    def test_splits_are_by_take_and_normalised_by_training(self):
        splits = audio.spoken_digits()
        assert {name: len(lengths) for name, (_, lengths) in splits.items()} == {
            "train": 240,
            "valid": 60,
            "test": 300,
        }
        x, lengths = splits["train"]
        assert x.shape[2] == 200
        assert x.shape[1] == int(lengths.max())
        real = x[torch.arange(x.shape[1]) < lengths[:, None]]
        assert float(real.mean()) == pytest.approx(0, abs=0.01)
        assert float(real.std()) == pytest.approx(1, abs=0.02)  # dropped rests are quieter
        assert not x[torch.arange(x.shape[1]) >= lengths[:, None]].any()

    def test_a_sequence_is_its_recording(self):
        found = audio.recordings(speakers=["jackson"], digits=[3])
        assert [(r.digit, r.speaker, r.take) for r in found] == [(3, "jackson", take) for take in range(10)]
        mean, deviation = audio.scale(found)
        x, lengths = audio.spoken_digits(160, speakers=["jackson"], digits=[3])["valid"]
        back = audio.to_wav(x[0, : lengths[0]], mean, deviation)
        samples = found[5].samples
        assert np.array_equal(np.frombuffer(back[44:], "<i2"), samples[: len(samples) // 160 * 160])
