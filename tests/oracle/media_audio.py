"""Mel bands, levels and cepstral coefficients as librosa computes them.

usage: media_audio.py > tests/data/oracle/media_audio.json   (needs librosa and numpy)
"""

import json
import struct

import librosa
import numpy as np


def wav(samples, rate, kind, channels=1):
    scale = {"i16": 32768, "i32": 2147483648, "i24": 8388608, "u8": 128, "f32": 1}[kind]
    x = np.asarray(samples, float)
    if kind == "f32":
        data, bits, tag = x.astype("<f4").tobytes(), 32, 3
    elif kind == "u8":
        data, bits, tag = (np.clip(np.round(x * scale), -128, 127) + 128).astype("u1").tobytes(), 8, 1
    elif kind == "i24":
        whole = np.clip(np.round(x * scale), -scale, scale - 1).astype("<i4")
        data, bits, tag = b"".join(struct.pack("<i", v)[:3] for v in whole), 24, 1
    else:
        whole = np.clip(np.round(x * scale), -scale, scale - 1)
        data, bits, tag = whole.astype("<" + kind.replace("i16", "i2").replace("i32", "i4")).tobytes(), int(kind[1:]), 1
    block = channels * bits // 8
    head = struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits)
    return b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", len(data)) + data


def written(data):
    return data.hex()


def flat(array, digits=4):
    return [round(float(v), digits) for v in np.asarray(array).ravel()]


rate = 8000
t = np.arange(1800) / rate
draw = np.random.default_rng(11)
sound = 0.4 * np.sin(2 * np.pi * (300 + 900 * t) * t) + 0.2 * np.sin(2 * np.pi * 2400 * t) * (t > 0.1) + draw.normal(0, 0.01, len(t))
data = wav(sound, rate, "i16")
x = np.round(sound * 32768) / 32768

features = []
for window, hop, length, mels, htk, low, high, emphasis in [
    (25, 10, 256, 20, False, 0, 4000, 0.0),
    (32, 16, 256, 12, True, 50, 3800, 0.97),
]:
    win, step = window * rate // 1000, hop * rate // 1000
    y = np.concatenate([x[:1], x[1:] - emphasis * x[:-1]])
    power = np.abs(librosa.stft(y, n_fft=length, hop_length=step, win_length=win, window="hann", center=True, pad_mode="constant")) ** 2
    bank = librosa.filters.mel(sr=rate, n_fft=length, n_mels=mels, fmin=low, fmax=high, htk=htk, norm=None if htk else "slaney", dtype=np.float64)
    mel = bank @ power
    level = librosa.power_to_db(mel, ref=1.0, amin=1e-10, top_db=80)
    features.append({
        "window": window, "hop": hop, "mels": mels, "mel_scale": "htk" if htk else "slaney", "low": low, "high": high, "pre_emphasis": emphasis,
        "spectrogram": flat(power.T[:4], 6), "mel": flat(level.T), "mfcc": flat(librosa.feature.mfcc(S=level, n_mfcc=10, dct_type=2, norm="ortho").T),
        "log": flat(np.log(mel.T[:6] + 1e-6)),
    })

short = 0.9 * np.sin(np.arange(40) * 0.7)
formats = [{"name": kind, "wav": written(wav(short, rate, kind)), "samples": flat(short, 6), "within": within} for kind, within in [("u8", 1 / 128), ("i16", 1 / 32768), ("i24", 1e-6), ("i32", 1e-6), ("f32", 1e-6)]]
pair = np.stack([short, -0.5 * short], 1)
formats.append({"name": "two channels", "wav": written(wav(pair.ravel(), rate, "f32", 2)), "samples": flat(pair.mean(1), 6), "within": 1e-6})

print(json.dumps({"made_by": f"librosa {librosa.__version__}", "features": [{"wav": written(data), **f} for f in features], "formats": formats}))
