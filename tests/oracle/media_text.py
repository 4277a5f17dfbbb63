"""Counts of words and n-grams as scikit-learn's CountVectorizer finds them.

usage: media_text.py > tests/data/oracle/media_text.json
"""

import json
import random
import unicodedata

import sklearn
from sklearn.feature_extraction.text import CountVectorizer

WORDS = "the a of and film plot actor it's don't great dull Paris naïve Straße ÉTÉ 42 x_1 слово ΣΊΣΥΦΟΣ O’Neill über".split()
ODD = ["", "   ", "'quoted'  words''", "well-known, isn't it?!", "tab\tand\nline", "e\u0301te\u0301 = été", "rock 'n' roll's 'end'", "3.5 % of 1,000"]


def texts():
    draw = random.Random(3)
    weights = [1 / (i + 1) for i in range(len(WORDS))]
    marks = [" ", " ", " ", ", ", ". ", " - ", "  ", "! "]
    made = []
    for _ in range(40):
        words = draw.choices(WORDS, weights, k=draw.randint(1, 12))
        made.append("".join(word + draw.choice(marks) for word in words))
    return made + ODD


def case(name, analyzer, lowercase, first, last, largest, min_count):
    corpus = texts()
    # CountVectorizer has no composed form of Unicode; it is asked to apply the one of the standard library.
    counter = CountVectorizer(
        analyzer=analyzer,
        lowercase=False,
        preprocessor=lambda text: unicodedata.normalize("NFC", text).lower() if lowercase else unicodedata.normalize("NFC", text),
        token_pattern=r"\w+(?:['’]\w+)*",
        ngram_range=(first, last),
    )
    if analyzer == "char":
        counter.set_params(preprocessor=lambda text: " ".join((unicodedata.normalize("NFC", text).lower() if lowercase else text).split()))
    matrix = counter.fit_transform(corpus)
    names = counter.get_feature_names_out()
    totals = matrix.sum(axis=0).A1 if hasattr(matrix.sum(axis=0), "A1") else matrix.sum(axis=0)
    ranked = sorted(((int(n), str(name)) for name, n in zip(names, totals) if n >= min_count), key=lambda pair: (-pair[0], pair[1]))[:largest]
    rows = []
    for at in range(len(corpus)):
        row = matrix[[at]].tocoo()
        rows.append({str(names[j]): int(n) for j, n in zip(row.col, row.data)})
    return {
        "name": name,
        "unit": {"word": "words", "char": "characters"}[analyzer],
        "lowercase": lowercase,
        "from": first,
        "to": last,
        "vocabulary": largest,
        "min_count": min_count,
        "texts": corpus,
        "known": [[text, n] for n, text in ranked],
        "rows": rows if analyzer == "word" and last == 1 else [],
    }


cases = [
    case("words", "word", True, 1, 1, 1000, 1),
    case("words as they are, frequent ones", "word", False, 1, 1, 12, 3),
    case("words and pairs", "word", True, 1, 2, 40, 2),
    case("three characters", "char", True, 3, 3, 60, 2),
]
print(json.dumps({"made_by": f"scikit-learn {sklearn.__version__}", "count_vectorizer": cases}, ensure_ascii=False))
