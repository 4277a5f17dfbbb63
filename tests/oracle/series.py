"""Writes tests/data/oracle/series.json: time series against statsmodels, pymannkendall, ruptures and SciPy.

The series are real: temperatures at the airports of New York in 2013 and flights a day, from sample-data/flights.

    pip install statsmodels pymannkendall ruptures scipy pandas
    python tests/oracle/series.py
"""

import json
import math
import pathlib
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pymannkendall as mk
import ruptures as rpt
import scipy.signal
import scipy.stats
from statsmodels.nonparametric.smoothers_lowess import lowess
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.holtwinters import ExponentialSmoothing
from statsmodels.tsa.seasonal import STL, seasonal_decompose
from statsmodels.tsa.stattools import acf

warnings.simplefilter("ignore")
ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "sample-data" / "flights"
OUT = ROOT / "tests" / "data" / "oracle" / "series.json"


def numbers(values):
    """Thirteen digits: enough for comparisons to 1e-9, and the file stays small."""
    return [None if not math.isfinite(value) else float(f"{value:.13g}") for value in np.asarray(values, dtype=float)]


def series():
    """Hourly and daily temperatures, flights a day."""
    weather = pd.read_csv(DATA / "weather.csv.gz", na_values=["NA"])
    weather["time_hour"] = pd.to_datetime(weather["time_hour"], utc=True)
    jfk = weather[weather["origin"] == "JFK"].set_index("time_hour")["temp"]
    hourly = jfk.resample("1h").mean().interpolate().iloc[2000:2000 + 15 * 24]
    daily = jfk.resample("1D").mean().interpolate()
    pressure = weather[weather["origin"] == "LGA"].set_index("time_hour")["pressure"].resample("1D").mean().interpolate()
    flights = pd.read_csv(DATA / "flights.csv.gz", usecols=["year", "month", "day"])
    flights = flights.groupby(["year", "month", "day"]).size()
    return {
        "hourly temperature": np.round(hourly.to_numpy(), 4),
        "daily temperature": np.round(daily.to_numpy()[:365], 4),
        "daily pressure": np.round(pressure.to_numpy()[:365], 4),
        "flights a day": flights.to_numpy().astype(float),
    }


def stl_cases(all_series):
    cases = []
    for name, begin, end, period, window, robust in [
        ("hourly temperature", 0, 240, 24, 7, False),
        ("hourly temperature", 0, 245, 24, 11, True),
        ("flights a day", 0, 200, 7, 11, True),
        ("flights a day", 100, 280, 7, 35, False),
        ("daily pressure", 0, 61, 30, 7, True),
    ]:
        values = all_series[name][begin:end]
        model = STL(values, period=period, seasonal=window, robust=robust)
        found = model.fit()
        cases.append({
            "name": f"{name}, period {period}, window {window}, robust {robust}",
            "values": values.tolist(), "period": period, "season_window": window, "robust": robust,
            "trend_window": int(model.config["trend"]), "low_pass_window": int(model.config["low_pass"]),
            "trend": numbers(found.trend), "season": numbers(found.seasonal), "remainder": numbers(found.resid), "weights": numbers(found.weights),
        })
    return cases


def lowess_cases(all_series):
    cases = []
    for name, window, iterations in [("daily temperature", 61, 0), ("daily pressure", 31, 3)]:
        values = all_series[name][:150]
        curve = lowess(values, np.arange(len(values)), frac=(window + 0.5) / len(values), it=iterations, delta=0.0, return_sorted=False)
        cases.append({"values": values.tolist(), "window": window, "iterations": iterations, "curve": numbers(curve)})
    return cases


def autocorrelation_cases(all_series):
    cases = []
    for name in ["hourly temperature", "daily pressure"]:
        values = all_series[name][:240]
        found, limits = acf(values, nlags=60, fft=False, alpha=0.05, bartlett_confint=True)
        cases.append({"values": values.tolist(), "correlations": numbers(found), "limits": numbers(limits[:, 1] - found)})
    return cases


def exact_fisher(g, ordinates):
    g = Fraction(g)
    total = Fraction(0)
    for j in range(1, ordinates + 1):
        if j * g >= 1:
            break
        total += (-1) ** (j - 1) * math.comb(ordinates, j) * (1 - j * g) ** (ordinates - 1)
    return float(total)


def periodogram_cases(all_series):
    cases = []
    for name, n in [("hourly temperature", 240), ("daily pressure", 181)]:
        values = all_series[name][:n]
        frequencies, power = scipy.signal.periodogram(values, detrend="linear", scaling="density", return_onesided=False)
        power = power[1:(len(values) - 1) // 2 + 1]
        g = power.max() / power.sum()
        cases.append({"values": values.tolist(), "power": numbers(power), "g": g, "p_value": exact_fisher(g, len(power))})
    return cases


def fisher_cases():
    return [{"g": g, "ordinates": q, "p_value": exact_fisher(g, q)} for g, q in
            [(0.5, 10), (0.3, 10), (0.2, 20), (0.12, 50), (0.05, 100), (0.1, 100), (0.03, 400), (0.02, 400), (0.008, 400)]]


def theil_sen_cases(all_series):
    cases = []
    for name, n in [("daily temperature", 120), ("daily pressure", 365), ("flights a day", 200)]:
        y = all_series[name][:n]
        n = len(y)
        x = np.arange(n, dtype=float)
        if name == "flights a day":
            x = np.cumsum(1.0 + (np.arange(n) % 5 == 0))
        found = scipy.stats.theilslopes(y, x, alpha=0.95)
        cases.append({"x": x.tolist(), "y": y.tolist(), "slope": found.slope, "intercept": found.intercept, "low": found.low_slope, "high": found.high_slope})
    return cases


def mann_kendall_cases(all_series):
    cases = []

    def case(name, test, values, found, **more):
        # 2 (1 - cdf) loses digits; the survival function does not.
        p = 2.0 * scipy.stats.norm.sf(abs(found.z))
        assert abs(p - found.p) < 1e-12, (name, test, found)
        cases.append({"name": f"{name}, {test}", "test": test, "values": values.tolist(), "score": float(found.s), "variance": float(found.var_s),
                      "tau": float(found.Tau), "z": float(found.z), "p_value": p} | more)

    pressure, flights, temperature = all_series["daily pressure"][:150], all_series["flights a day"][:140], all_series["daily temperature"][:90]
    rounded = np.round(all_series["hourly temperature"][:100])
    for name, values in [("pressure", pressure), ("flights", flights), ("rounded temperature", rounded)]:
        case(name, "original", values, mk.original_test(values))
    for name, values, lags in [("pressure", pressure, 20), ("temperature", temperature, 5), ("rounded temperature", rounded, 5), ("flights", flights, 60)]:
        case(name, "hamed_rao", values, mk.hamed_rao_modification_test(values, lag=lags), lags=lags)
    for name, values, period in [("flights", flights, 7), ("rounded temperature", rounded, 24)]:
        case(name, "seasonal", values, mk.seasonal_test(values, period=period), period=period)
    return cases


class MeanAndVariance(rpt.base.BaseCost):
    """Twice the negative log-likelihood of a normal distribution with its own mean and a variance of at least `least`."""

    model = ""
    min_size = 1

    def __init__(self, least):
        self.least = least

    def fit(self, signal):
        self.signal = np.asarray(signal).reshape(-1)
        return self

    def error(self, start, end):
        part = self.signal[start:end]
        variance = max(part.var(), self.least)
        return len(part) * (math.log(variance) + math.log(2 * math.pi)) + ((part - part.mean()) ** 2).sum() / variance


def change_point_cases(all_series):
    cases = []
    for name, n, kind, penalty, shortest, least in [
        ("daily temperature", 365, "mean", 2500.0, 5, 0.0),
        ("daily pressure", 365, "mean", 150.0, 2, 0.0),
        ("flights a day", 365, "mean", 90000.0, 7, 0.0),
        ("daily pressure", 200, "mean_and_variance", 12.0, 5, 0.01),
        ("flights a day", 365, "mean_and_variance", 18.0, 7, 1.0),
    ]:
        values = all_series[name][:n]
        cost = rpt.costs.CostL2() if kind == "mean" else MeanAndVariance(least)
        finder = rpt.Pelt(custom_cost=cost, min_size=shortest, jump=1).fit(values.reshape(-1, 1))
        ends = finder.predict(pen=penalty)
        total = finder.cost.sum_of_costs(ends) + penalty * (len(ends) - 1)
        cases.append({"name": f"{name}, {kind}", "values": values.tolist(), "cost": kind, "penalty": penalty, "shortest": shortest, "least": least,
                      "changes": [int(end) for end in ends[:-1]], "total": float(total)})
    return cases


def holt_winters_cases(all_series):
    cases = []
    for name, begin, end, trend, damped, season, period in [
        ("daily temperature", 0, 120, None, False, None, 1),
        ("daily temperature", 0, 150, "add", False, None, 1),
        ("daily pressure", 0, 150, "add", True, None, 1),
        ("flights a day", 0, 140, None, False, "add", 7),
        ("flights a day", 60, 200, "add", False, "mul", 7),
        ("flights a day", 100, 240, "add", True, "add", 7),
        ("flights a day", 100, 240, "add", True, "mul", 7),
        ("flights a day", 0, 100, None, False, "mul", 7),
        ("hourly temperature", 0, 200, "add", False, "add", 24),
    ]:
        values = all_series[name][begin:end]
        model = ExponentialSmoothing(values, trend=trend, damped_trend=damped, seasonal=season, seasonal_periods=period if season else None,
                                     initialization_method="estimated")
        found = min((model.fit(method=method, use_brute=True) for method in ["SLSQP", "L-BFGS-B"]), key=lambda fit: fit.sse)
        parameters = found.params
        value = lambda key, default: default if parameters[key] is None or not np.isfinite(parameters[key]) else float(parameters[key])
        # statsmodels foretells the last place of the season from its value one season earlier than the last known one; so the
        # forecast is made here from its own last states, and compared with its own at the other places.
        ahead = np.arange(1, 16)
        phi = value("damping_trend", 1.0) if damped else 1.0
        growth = np.array([sum(phi**j for j in range(1, h + 1)) for h in ahead]) * (found.trend[-1] if trend else 0.0)
        seasons = np.asarray(found.season)[len(values) - period + (ahead - 1) % period] if season else 0.0
        forecast = found.level[-1] + growth
        forecast = forecast * seasons if season == "mul" else forecast + seasons
        same = (ahead % period != 0) | (season is None)
        assert np.allclose(forecast[same], np.asarray(found.forecast(15))[same], rtol=1e-10, atol=0.0), name
        cases.append({
            "name": f"{name}: trend {trend}{', damped' if damped else ''}, season {season}", "values": values.tolist(),
            "trend": "none" if trend is None else "damped" if damped else "additive",
            "season": {None: "none", "add": "additive", "mul": "multiplicative"}[season], "period": period,
            "alpha": value("smoothing_level", 0.0), "beta": value("smoothing_trend", 0.0), "gamma": value("smoothing_seasonal", 0.0),
            "phi": value("damping_trend", 1.0) if damped else 1.0, "level": float(parameters["initial_level"]), "slope": value("initial_trend", 0.0) if trend else 0.0,
            "seasons": [float(x) for x in parameters["initial_seasons"]] if season else [],
            "squares": float(found.sse), "fitted": numbers(found.fittedvalues), "forecast": numbers(forecast), "aicc": float(found.aicc),
        })
    return cases


def ets_spread_cases(all_series):
    cases = []
    values = pd.Series(all_series["flights a day"][:140], index=pd.date_range("2013-01-01", periods=140))
    for alpha, beta, gamma, phi in [(0.3, 0.2, 0.1, 1.0), (0.6, 0.5, 0.3, 0.9)]:
        model = ETSModel(values, error="add", trend="add", seasonal="add", damped_trend=phi < 1.0, seasonal_periods=7, initialization_method="known",
                         initial_level=800.0, initial_trend=0.0, initial_seasonal=[0.0] * 7)
        # Its trend moves by alpha beta in our notation.
        parameters = dict(smoothing_level=alpha, smoothing_trend=alpha * beta, smoothing_seasonal=gamma, damping_trend=phi)
        vector = [parameters[name] if name in parameters else 800.0 if name == "initial_level" else 0.0 for name in model.param_names]
        found = model.smooth(vector)
        frame = found.get_prediction(start=140, end=140 + 19).summary_frame(alpha=0.05)
        reach = (frame["pi_upper"] - frame["mean"]).to_numpy()
        cases.append({"alpha": alpha, "beta": beta, "gamma": gamma, "phi": phi, "period": 7, "spread": numbers(reach / reach[0])})
    return cases


def moving_average_cases(all_series):
    cases = []
    for name, period in [("flights a day", 7), ("hourly temperature", 24)]:
        values = all_series[name][:120]
        found = seasonal_decompose(values, period=period, two_sided=True)
        rest = values - found.trend
        cases.append({"values": values.tolist(), "period": period, "rest": numbers(rest[np.isfinite(rest)])})
    return cases


def backtest_cases(all_series):
    cases = []
    for name, period, horizon, folds in [("flights a day", 7, 14, 4), ("daily temperature", 1, 10, 3)]:
        values = all_series[name][:200]
        n = len(values)
        origins = sorted(n - fold * horizon for fold in range(1, folds + 1))
        errors, scaled, symmetric, inside = [], [], [], []
        z = scipy.stats.norm.ppf(0.95)
        for origin in origins:
            known, came = values[:origin], values[origin:origin + horizon]
            foretold = np.array([known[-period + step % period] for step in range(horizon)])
            steps = known[period:] - known[:-period]
            reach = z * np.sqrt((steps**2).mean()) * np.sqrt(np.arange(horizon) // period + 1)
            error = came - foretold
            errors += error.tolist()
            scaled += (np.abs(error) / np.abs(steps).mean()).tolist()
            symmetric += (2 * np.abs(error) / (np.abs(came) + np.abs(foretold))).tolist()
            inside += (np.abs(error) <= reach).tolist()
        errors = np.array(errors)
        cases.append({"values": values.tolist(), "period": period, "horizon": horizon, "folds": folds, "origins": origins, "mae": np.abs(errors).mean(),
                      "rmse": math.sqrt((errors**2).mean()), "mase": np.mean(scaled), "smape": np.mean(symmetric), "coverage": np.mean(inside)})
    return cases


def main():
    all_series = series()
    result = {
        "stl": stl_cases(all_series),
        "lowess": lowess_cases(all_series),
        "autocorrelation": autocorrelation_cases(all_series),
        "periodogram": periodogram_cases(all_series),
        "fisher": fisher_cases(),
        "theil_sen": theil_sen_cases(all_series),
        "mann_kendall": mann_kendall_cases(all_series),
        "change_points": change_point_cases(all_series),
        "holt_winters": holt_winters_cases(all_series),
        "ets_spread": ets_spread_cases(all_series),
        "moving_average": moving_average_cases(all_series),
        "backtest": backtest_cases(all_series),
    }
    OUT.write_text(json.dumps(result, default=float, separators=(",", ":")).replace('},{"', '},\n{"') + "\n")


if __name__ == "__main__":
    main()
