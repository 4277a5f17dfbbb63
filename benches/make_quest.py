"""usage: make_quest.py BASKETS LENGTH PATTERN_LENGTH ITEMS PATTERNS SEED FILE: market baskets, one a line, items as numbers.

The procedure of Agrawal and Srikant 1994 (section 2.4.3): patterns share items with the pattern before, have weights that fall
exponentially and a corruption level; baskets are filled with corrupted patterns until they have their size. Same seed, same file.
"""

import sys

import numpy as np

CORRELATION = 0.5
CORRUPTION, SPREAD = 0.5, 0.1


def patterns(draw, number, length, items):
    found = []
    before = np.empty(0, dtype=int)
    for size in np.maximum(1, draw.poisson(length - 1, number) + 1):
        shared = min(len(before), int(min(1.0, draw.exponential(CORRELATION)) * size))
        kept = draw.choice(before, shared, replace=False) if shared else np.empty(0, dtype=int)
        fresh = draw.choice(items, size, replace=False)
        before = np.unique(np.concatenate([kept, fresh]))[:size] if shared else np.sort(fresh)
        found.append(before)
    return found


def main():
    number, length, pattern_length, items, pattern_number, seed = map(int, sys.argv[1:7])
    draw = np.random.default_rng(seed)
    known = patterns(draw, pattern_number, pattern_length, items)
    weights = draw.exponential(1.0, pattern_number)
    weights /= weights.sum()
    corruption = np.clip(draw.normal(CORRUPTION, SPREAD, pattern_number), 0.0, 1.0)
    sizes = np.maximum(1, draw.poisson(length - 1, number) + 1)
    # Patterns are drawn in one go; a basket takes as many of them as it needs.
    waiting = iter(draw.choice(pattern_number, int(sizes.sum()), p=weights))
    left = None
    with open(sys.argv[7], "w") as out:
        for size in sizes:
            basket = set()
            while len(basket) < size:
                if left is not None:
                    chosen, left = left, None
                else:
                    at = next(waiting)
                    # Items are dropped as long as a draw is below the corruption level of the pattern.
                    drop = min(len(known[at]) - 1, draw.geometric(max(1e-9, 1.0 - corruption[at])) - 1)
                    chosen = draw.permutation(known[at])[drop:]
                # What does not fit goes into this basket in half of the cases, else into the next one.
                if basket and len(basket) + len(chosen) > size and draw.random() < 0.5:
                    left = chosen
                    break
                basket.update(chosen.tolist())
            out.write(" ".join(map(str, sorted(basket))) + "\n")


main()
