"""How many contacts a day should bring, by the season and the trend of the days before.

A quasi-Poisson regression with a log link, as in Farrington, Andrews, Beale and Catchpole (1996) and Noufaily and others (2013):
a level, a trend, a day of the week; the dispersion is estimated, days that stood out before count less. Unlike there, the window
is months and not years, so the season is the week; and trend and weekdays are shrunk to nothing by normal priors, without
which a short or thin history would be extrapolated wildly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from triage.insights.frame import Indices, Numbers

TREND = 0.25
"""Prior standard deviation of the trend: the logarithm of the change over 28 days."""
WEEKDAY = 0.5
"""Prior standard deviation of a weekday's logarithm."""
FEWEST = 8
"""Contacts of a history below which there is nothing to estimate a season from: only the rate is."""
_UNUSUAL = 3.0
"""Anscombe residual from which a day of the history counts less: 2.58 in Noufaily and others (2013, section 3.4), who
have years to estimate the dispersion from; on months it makes the tails too thin."""
_ROUNDS = 25


@dataclass(frozen=True, kw_only=True)
class Expected:
    """Mean and variance of a day's count, the variance with all that is not known of the mean; ``dispersion``: of the history,
    the variance over the mean."""

    mean: float
    variance: float
    dispersion: float


def expected(history: Indices, weekday: int, *, least: float = 1.0) -> Expected:
    """The day after ``history`` (a count a day, oldest first), which falls on ``weekday`` (Monday is 0).

    Args:
        least: the smallest dispersion that is believed; a thin history cannot show its own.
    """
    days, total = len(history), float(history.sum())
    if total < FEWEST:
        # Jeffreys' prior of a Poisson rate; the next day's count is then negative binomial (Gelman 2013, section 2.6).
        mean = (total + 0.5) / days
        return Expected(mean=mean, variance=mean * (least + 1 / days), dispersion=least)
    counts = history.astype(np.float64)
    back = np.arange(days, 0, -1)
    design = np.zeros((days, 9))
    design[:, 0], design[:, 1] = 1, -back / 28
    design[np.arange(days), 2 + (weekday - back) % 7] = 1
    prior = np.array([1e-6, 1 / TREND**2, *([1 / WEEKDAY**2] * 7)])
    weights = np.ones(days)
    fit = _fit(counts, design, prior, weights)
    weights = _usual(counts, fit)
    fit = _fit(counts, design, prior, weights)
    point = np.zeros(9)
    point[0] = point[2 + weekday] = 1
    mean = math.exp(min(float(point @ fit.effects), 20))
    unknown = mean * mean * float(point @ fit.covariance @ point)
    return Expected(mean=mean, variance=max(fit.dispersion, least) * mean + unknown, dispersion=fit.dispersion)


@dataclass(frozen=True, kw_only=True)
class _Fit:
    effects: Numbers
    covariance: Numbers
    fitted: Numbers
    leverage: Numbers
    dispersion: float


def _fit(counts: Numbers, design: Numbers, prior: Numbers, weights: Numbers) -> _Fit:
    """Newton's method on the penalised quasi-likelihood; the dispersion is estimated between two fits."""
    effects = np.zeros(design.shape[1])
    effects[0] = np.log(max(float(np.average(counts, weights=weights)), 1e-3))
    dispersion = 1.0
    for _ in range(2):
        for _ in range(_ROUNDS):
            fitted = np.exp(np.clip(design @ effects, -20, 20))
            pull = design.T @ (weights * (counts - fitted)) / dispersion - prior * effects
            # The level carries no prior of its own: 1e-6 only keeps the matrix regular.
            bend = (design.T * (weights * fitted)) @ design / dispersion + np.diag(prior)
            step = np.clip(np.linalg.solve(bend, pull), -2, 2)
            effects = effects + step
            if np.abs(step).max() < 1e-8:
                break
        fitted = np.exp(np.clip(design @ effects, -20, 20))
        covariance = np.linalg.inv((design.T * (weights * fitted)) @ design / dispersion + np.diag(prior))
        leverage = np.einsum("ij,jk,ik->i", design, covariance, design) * weights * fitted / dispersion
        free = max(1.0, float(weights.sum() - leverage.sum()))
        seen = float((weights * (counts - fitted) ** 2 / fitted).sum() / free)
        # One standard error above the estimate, for a dispersion taken too small is what rings false alarms.
        dispersion = max(1.0, seen * (1 + math.sqrt(2 / free)))
    return _Fit(effects=effects, covariance=covariance, fitted=fitted, leverage=leverage, dispersion=dispersion)


def _usual(counts: Numbers, fit: _Fit) -> Numbers:
    """Weights: 1 for days as expected, less for those that stood out above."""
    scale = np.sqrt(fit.dispersion * np.clip(1 - fit.leverage, 0.05, 1))
    residual = 1.5 * (counts ** (2 / 3) * fit.fitted ** (-1 / 6) - fit.fitted**0.5) / scale
    return np.where(residual > _UNUSUAL, (_UNUSUAL / np.maximum(residual, _UNUSUAL)) ** 2, 1.0)
