"""usage: text_sklearn.py TRAIN.parquet TEST.parquet OUT.json: scikit-learn's TF-IDF of words and pairs of words with logistic regression."""

import json
import pathlib
import sys

import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

train, test = pl.read_parquet(sys.argv[1]), pl.read_parquet(sys.argv[2])
vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
model = LogisticRegression(C=8, max_iter=500).fit(vectorizer.fit_transform(train["text"].to_list()), train["positive"].to_numpy())
probabilities = model.predict_proba(vectorizer.transform(test["text"].to_list()))[:, 1]
pathlib.Path(sys.argv[3]).write_text(json.dumps([float(p) for p in probabilities]))
