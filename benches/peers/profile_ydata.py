"""usage: profile_ydata.py FILE OUT.html: the minimal report of ydata-profiling."""

import sys

import pandas as pd
from ydata_profiling import ProfileReport

path = sys.argv[1]
frame = pd.read_parquet(path) if path.endswith(".parquet") else pd.read_csv(path)
ProfileReport(frame, minimal=True, progress_bar=False).to_file(sys.argv[2])
print(frame.shape)
