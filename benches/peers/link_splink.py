#!/usr/bin/env python3
"""Links people within one file with Splink on DuckDB: usual comparisons, trained by expectation and maximization.

usage: link_splink.py PEOPLE.csv RULES.json OUT.csv     (RULES: a list of lists of columns; OUT: id and cluster of each row)
"""

import json
import os
import sys

import duckdb
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

people, rules, out = sys.argv[1:4]
rules = json.load(open(rules))
connection = duckdb.connect()
connection.execute(f"set threads={os.environ.get('THREADS', '2')}")
connection.execute(f"create table people as select * replace (nullif(lower(trim(given_name)), '') as given_name, nullif(lower(trim(surname)), '') as surname) from read_csv('{people}', header=true, all_varchar=true, nullstr='')")
settings = SettingsCreator(
    link_type="dedupe_only",
    unique_id_column_name="id",
    blocking_rules_to_generate_predictions=[block_on(*rule) for rule in rules],
    comparisons=[
        cl.NameComparison("given_name"),
        cl.NameComparison("surname"),
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True),
        cl.DamerauLevenshteinAtThresholds("street_number", [1]),
        cl.NameComparison("street"),
        cl.NameComparison("city"),
        cl.DamerauLevenshteinAtThresholds("postcode", [1]),
        cl.DamerauLevenshteinAtThresholds("phone", [1, 2]),
    ],
    retain_intermediate_calculation_columns=False,
    retain_matching_columns=False,
)
api = DuckDBAPI(connection=connection)
linker = Linker(api.register("people") if hasattr(api, "register") else "people", settings, **({} if hasattr(api, "register") else {"db_api": api}))
linker.training.estimate_probability_two_random_records_match([block_on("phone"), block_on("given_name", "surname", "date_of_birth")], recall=0.8)
linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
linker.training.estimate_parameters_using_expectation_maximisation(block_on("given_name", "surname"))
linker.training.estimate_parameters_using_expectation_maximisation(block_on("date_of_birth", "city"))
pairs = linker.inference.predict(threshold_match_probability=0.9)
clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, 0.9)
connection.execute(f"copy (select id, cluster_id from {clusters.physical_name}) to '{out}' (header)")
