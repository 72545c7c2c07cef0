"""The catalogue of rules as a page: ``python -m rlvitals.diagnosis.rule_reference > docs/diagnosis.md``."""
# ruff: noqa: E501 -- a row of a table is one line

import sys

from rlvitals.diagnosis import evidence, learning, signals
from rlvitals.diagnosis.benchmark_rates import MEASURED
from rlvitals.diagnosis.block_table import MOST_ROWS
from rlvitals.diagnosis.causes import EXPLAINS
from rlvitals.diagnosis.families import FAMILIES, UNKNOWN, Family
from rlvitals.diagnosis.health import CHECKS, COST
from rlvitals.diagnosis.learning import FEWEST_REWARDS
from rlvitals.diagnosis.rules import RULES, Rule
from rlvitals.diagnosis.signals import FEWEST_UPDATES
from rlvitals.diagnosis.thresholds import Threshold, thresholds_in, thresholds_of
from rlvitals.records.setting_names import ALGORITHM_KEYS

_OPENING = """\
# Diagnosis

What is wrong with a training, why, how sure that is, and what to try. The same rules judge a training while it runs
and after it has ended, on the same tables: `rlvitals check RUN`, the monitor's `validate_metrics()`, the dashboard
and alerts all say what `rlvitals.diagnosis.diagnose` says.

```python
from rlvitals import open_run
from rlvitals.diagnosis import diagnose, evidence_of

diagnosis = diagnose(evidence_of(open_run("logs/my-run")))
for finding in diagnosis.findings:  # the most likely cause first
    print(finding.severity, finding.sentence, finding.evidence, finding.advice)
print(diagnosis.health_score, diagnosis.health.deductions, diagnosis.skipped_rules)
```

## What it rests on

- Absolute thresholds do not carry from one environment to another. What carries: a run against its own history,
  ratios, the action space, the configuration, definitions (NaN, a variance of zero, a learning rate of zero, a length
  of one), and a target or baseline that the user gives. No rule knows an environment, a library or a length of
  training; budgets are shares.
- Verdicts do not change when rewards are multiplied or shifted, or when updates are logged twice as often.
- A rule without its signals does not guess: it is listed under `skipped_rules`, with what is missing. A rule that assumes
  what the run's algorithm does not have is listed under `inapplicable` ([Algorithms](#algorithms)).
- A run with too little evidence and no alarm is `not judged` and has no score: fewer than {rewards} finite {rewards_unit}
  and fewer than {updates}.
- Configuration that shows a fault (a discount of 0, a clip range of 100) counts where behaviour agrees with it.
- Evidence is bounded: each stream is kept in at most {rows} blocks of equal numbers of records, each with mean,
  extremes and counts; a record costs the training one append.
- Whether returns rise is decided by `rlvitals.stats.series.trend`, and where they fell by `rlvitals.stats.series.change_points`,
  as in the summary of a run. A rule keeps an estimate of its own where the shared one was measured to find fewer faults;
  a comment in the rule gives the figures.
- A finding opens once and closes after three consecutive checks without it (`FindingTracker`).

## How often it is right

`bench/diagnosis.py` replays trainings through the monitor and diagnoses them at every twentieth of the budget. On 37
healthy trainings and 111 with one fault that manifests (Stable-Baselines3 and a CleanRL-style PPO; CartPole,
Pendulum, MountainCarContinuous, and a one-step tuning task with categories):

| | measured |
|---|---|
| healthy trainings told anything critical, at any time | 0 of 37 |
| healthy trainings told a warning, at any time | 0 of 37 |
| faults found | 110 of 111 |
| right cause first, at the end | 110 of 111 |
| right cause among the first three | 110 of 111 |
| found behind the onset, median | 10 % of the budget |

These trainings were seen when the rules were written, so that the table flatters them. Rules were written on CartPole
and the tuning task; judged for the first time on Pendulum and MountainCar, which had not been looked at through them,
they found 94 % of 34 faults, named 88 % first and 91 % among three, and warned in 2 of 13 healthy trainings (never
critically). What was wrong there was put right since. Fresh trainings in environments that none of this was written
on come from `bench/faults.py`:

| environment | healthy trainings | told something |
|---|---|---|
| Acrobot-v1 (40,000 steps) | 8 | none |
| PointReach (20,000 steps) | 8 | 1: a machine that was in fact busy (`throughput-drop`) |
| LunarLander-v3 (60,000 steps) | 3 | 1: a run that had not learned by half of its budget (`no-learning`) |

Then 25 healthy trainings of varied hyper-parameters by a CleanRL-style PPO, none of the adapters' extra signals logged:
LunarLander-v3 (30,000 to 100,000 steps), Acrobot-v1, and one to three each of Taxi, FrozenLake, CliffWalking,
Blackjack, MountainCar-v0, a sparse grid with two discrete actions, Pendulum and PointReach.

| | rules as they were | as they are |
|---|---|---|
| 19 that learned: told anything critical | 2 | 0 |
| 19 that learned: told a warning | 7 | 1: a machine that was in fact busy |
| 6 that learned nothing (too short, or too sparse): told anything critical | 4 | 0 |
| 6 that learned nothing: told so | 6, most from half of the budget on | 6, in the last tenth of it |

What was wrong: a task that starts late was taken for one that does not learn, and its reward, before anybody met it,
for a constant one; little that can be learnt in much chance, for nothing; a critic that saturates, for frozen
observations; a rate that decays to zero under long gradients, for too large rewards; a critic that is late, for stale
data. So what rests on "nothing was learnt so far" is a remark until {NEARLY_OVER} of the budget. The right column is no
validation: these trainings taught the rules. What follows is one.

Trainings that nobody had looked at, by Stable-Baselines3 and the callback, the expected cause written down before:
16 healthy ones, with the settings of RL Zoo where it has any (CartPole, Pendulum, MountainCar, MountainCarContinuous,
Acrobot, LunarLander, MuJoCo's Hopper, HalfCheetah, Swimmer, Reacher, InvertedPendulum and InvertedDoublePendulum, two
small grid worlds, the tracing of images with one and four attempts), shortened to a few minutes each; and 32 with one
fault in the same environments. Judged at every twentieth of the budget:

| | rules as they were | as they are |
|---|---|---|
| 16 healthy: told anything critical | 1 | 1: Hopper, which lost all that it had learnt (returns of 1,000, then 8), twice |
| 16 healthy: told a warning only | 2 | 1: a grid world in which nothing was learnt, from 90 % on |
| 32 faults: told anything behind the onset | 30 | 30 |
| 32 faults: right cause first at the end | 24 | 28 |
| of those present: right cause first at a quarter of the budget | 10 of 25 | 13 of 25 |
| the same at half | 19 of 27 | 24 of 27 |
| the same at three quarters | 22 of 30 | 27 of 30 |

One of the warnings of the rules as they were was false: HalfCheetah has 30 episodes in 30,000 steps, and had learnt
within the first ten. Named wrongly, or not at all, were a rate of 0.00999 (a threshold at 0.01) whose actions lay at
their bounds after one update; one of 6e-6, by which a policy creeps; a flipped sign in a reward that is made of several
parts; a critic that wanders where all returns are the same. All of that was put right by what it is, and is no
validation any more. Four are left: a flipped sign in Reacher, where a stranger cannot tell; a slow-down by 2.2, below
what is called slow; a collapse in Pendulum that was named at once and recovered; a policy's gradient of the wrong sign
in Hopper, which is told as wrong advantages.

What was corrected was put to two more rounds, smaller and harder. Second round, four faults and three healthy: two
faults named first; a rate of 0.005 in Walker2d was named as `kl-too-large`, a value loss that counts nothing was named
and then silent again; of the healthy ones one was told, rightly, that it had learnt nothing (Swimmer, 36 episodes). Both
rules were corrected once more. Third round, after which nothing was: four faults and one healthy, which was told
nothing; one fault was named first (a value loss that counts nothing). Not named: a rate of 0.008 in Swimmer, where steps
stay sane (only that nothing is learnt); a flipped sign in 640 episodes, whose quality fell too little to be told from
chance; a critic that does not learn in MountainCar, whose reward is never met (`reward-constant`, from 90 % on).

What shows only as "nothing was learnt" stays a remark until {NEARLY_OVER} of the budget: of 56 healthy trainings that learnt,
returns had not risen by 80 % of the budget in two, by 60 % in five. Only where explained variance is above {KNOWS_ALL} are
wrong advantages told from {EARLY} on.

Of 27 faults trained in Acrobot and LunarLander (12,000 to 30,000 steps), 24 were found and 22 named first. Not found:
shuffled advantages by which Acrobot still became a little better, and two collapses in runs of fewer than twenty
episodes, which returns do not judge. Not named first, but as `no-learning`: shuffled advantages in LunarLander, a
policy's gradient of the wrong sign in Acrobot. Of the first 20 of them the rules as they were had found 20 and named
13; they are found later now where nothing else shows than that nothing is learnt.

Nine faults of LunarLander over 100,000 steps (`bench/faults.py`), judged without the callback's own signals: 9 found, 7
named first. Shuffled advantages showed as `no-learning` (the critic explained 70 % of the returns), and a collapse from
which a sixth came back was no longer told at the end; both rules were mended by what that says, and no verdict on the
148 trainings changed.

Off-policy algorithms begin with random actions, fall below them when updates begin, and rise later. On made trainings
of that kind (`bench/off_policy.py --seeds 1`: curves like those of CartPole, Pendulum and LunarLander, warm-ups of 0 to
50 % of the steps, dips of 0 to 25 % of the rest; algorithm, updates and budget known or not), 0 of 360 healthy ones
raised an alarm at any twentieth of their steps. Of 120 that stay in the dip, all are found at the end: 44 as
`regression`, 76, whose fall is less than a standard deviation or who begin in the dip, as `no-learning`.

What is not found: a reward whose sign is flipped from the beginning looks like a success, as the agent learns it
well. It is told where return and quality of episodes are opposed, where success is known and never comes, or where
the return of a random policy is known: log it as `random_return` or `baseline` in the configuration. Advantages of
the wrong samples show late ({EARLY} of the budget), unless the adapter checks their recursion
(`extra["advantage_residual"]`, as the callback for Stable-Baselines3 does). A sparse reward that was never met cannot
be told from a constant one before {NEARLY_OVER} of the budget, unless evaluations are rewarded meanwhile; where a policy's
gradient has the wrong sign and untrained returns are the worst already (Acrobot), only that nothing is learnt. Wrong
advantages that leave the agent a little better than untrained are not told without the adapter's check.

| signal | who logs it | tells |
|---|---|---|
| `updates.extra.observation_std`, `observation_constant_fraction` | `VitalsCallback` | frozen observations from a dead policy |
| `updates.extra.advantage_residual` | `VitalsCallback` | a wrong advantage estimation, at once |
| `updates.gradient_norm_limit`, `epochs`, `learning_rate`; `batch_size` in the configuration | `VitalsCallback` | a dead policy, by how far one weight can move; unclipped gradients |
| `episodes.termination_reason` (`terminated`, `truncated`) | `VitalsCallback`, `gymnasium` adapter | time limits that are taken for ends |
| `episodes.success`, `quality_improvement`, `category` | the environment's `info` | plateaus, reward hacking, flipped signs, neglected categories |
| `algorithm` in the configuration | `VitalsCallback` | which rules apply; other settings tell it where it is missing |
| `learning_starts` in the configuration | `VitalsCallback` | when a warm-up ends, so that its speed is not the usual one |
| `independent_steps` in the configuration | the user | that no reward depends on earlier actions, so that a discount of 0 is right |
| `baseline` or `random_return` in the configuration | the user | a reward whose sign is flipped |

## The health score

100, less what the findings cost: a critical one up to {critical}, a warning up to {warning}, a remark up to {info}
points, times `(1 + confidence) / 2`, rounded. Symptoms that are folded under a cause cost nothing more. Each point
lost is listed with its finding (`health.deductions`); the last one costs no more than is left, so that 100 less the sum
of the losses is the score. The status is the worst severity: `healthy`, `warning` or `critical`. Each finding counts
for one area:

"""

_LABELS = """\
## Labels of the corpus

`bench/diagnosis.py` maps the labels of its corpus to codes by meaning: action_saturation to `actions-saturated`,
category_overfit to `category-neglected`, dead_network to `dead-policy`, ent_coef_too_high to `entropy-too-high`,
env_never_resets to `episodes-of-length-one`, gae_bug to `advantage-estimation`, gamma_wrong to `discount`,
grad_explosion to `gradient-explosion`, kl_blowup to `kl-too-large`, lr_decay_early to `learning-rate-zero`,
midrun_collapse to `regression`, obs_frozen to `observations-frozen`, obs_nan to `non-finite`, pg_sign_flipped and
reward_sign_flipped to `reward-sign`, reward_scale_huge and reward_scale_tiny to `reward-scale`, stale_data_reuse to
`stale-data`, throughput_collapse to `throughput-drop`, trunc_as_terminal to `truncation-as-termination`, value_broken
to `value-not-learning`; the others have the code of their own name.
"""


_THRESHOLDS = """\
Each rule lists the thresholds that decide it: the constants that its code reads. "Budget" is the share of the
environment steps of the whole training; "standard deviations" are those of single returns within a window of episodes,
where nothing else is stated. These are shared by all rules:
"""
_SHARED = thresholds_in(learning) | thresholds_in(evidence)
_SHARED |= thresholds_of(signals.recent) | thresholds_of(signals.early) | thresholds_of(signals.explained)


_ALGORITHMS = f"""\
## Algorithms

The rules were written and measured on PPO. For each family of algorithms, `diagnosis/families.py` lists the metrics and
settings that mean what the rules assume. The others are hidden from the rules, and a rule that needs a hidden one does
not apply. The family is found by the configuration: by the name of the algorithm ({", ".join(f"`{key}`" for key in ALGORITHM_KEYS)}),
else by settings that only one family has.
"""


def reference() -> str:
    """The catalogue as Markdown."""
    said = {severity: str(points) for severity, points in COST.items()}
    said |= {"rewards": str(FEWEST_REWARDS).removesuffix(" rewards"), "rewards_unit": FEWEST_REWARDS.unit}
    said |= {"updates": str(FEWEST_UPDATES), "rows": f"{MOST_ROWS:,}"}
    said |= {name: str(value) for name, value in thresholds_of(_rule("advantage-estimation").judge).items()}
    opening = _OPENING
    for name, text in said.items():
        opening = opening.replace(f"{{{name}}}", text)
    lines = [opening.rstrip("\n"), ""]
    lines += [f"- `{check}`: {', '.join(f'`{code}`' for code in codes)}" for check, codes in CHECKS.items()]
    lines += [
        "- `external_logging`: `data-missing`, where records were dropped on the way to a sink",
        "",
        _LABELS.rstrip("\n"),
        "",
        _ALGORITHMS.rstrip("\n"),
        "",
        "| family | members | differs from PPO | rules that do not apply |",
        "|---|---|---|---|",
        *map(_family, (*FAMILIES, UNKNOWN)),
        "",
        "## Rules",
        "",
        _THRESHOLDS.rstrip("\n"),
        "",
        *_table(_SHARED),
    ]
    for rule in sorted(RULES, key=lambda one: one.code):
        lines += ["", *_section(rule)]
    return "\n".join(lines) + "\n"


def _rule(code: str) -> Rule:
    return next(rule for rule in RULES if rule.code == code)


def _family(family: Family) -> str:
    foreign = ", ".join(f"`{rule.code}`" for rule in RULES if not rule.applies_to(family))
    return f"| {family.title} | {', '.join(family.algorithms)} | {family.traits} | {foreign} |"


def _section(rule: Rule) -> list[str]:
    lines = [f"### `{rule.code}`", "", f"{rule.title}. {rule.meaning}", "", f"- Likely cause: {rule.cause}"]
    lines += [f"- To try: {rule.advice}", f"- Source: {rule.source}"]
    if rule.needs:
        lines.append(f"- Needs: {', '.join(need.replace('|', ' or ') for need in rule.needs)}")
    lines.append(f"- Algorithms: {_families(rule)}")
    explains = sorted(EXPLAINS.get(rule.code, frozenset()))
    if explains:
        lines.append(f"- Symptoms that it explains: {', '.join(f'`{code}`' for code in explains)}")
    rates = MEASURED.get(rule.code)
    if rates is not None:
        found = f"spoke in {rates.detected} of {rates.faults} trainings with its fault" if rates.faults else ""
        false = f"alarmed in {rates.false_alarms} of {rates.healthy} healthy ones" if rates.healthy else ""
        lines.append(f"- Measured: {'; '.join(filter(None, (found, false))) or 'not by these trainings'}")
    thresholds = {name: value for name, value in thresholds_of(rule.judge).items() if name not in _SHARED}
    return [*lines, "", *_table(thresholds)] if thresholds else lines


def _families(rule: Rule) -> str:
    foreign = [family.title for family in FAMILIES if not rule.applies_to(family)]
    return f"all but {', '.join(foreign)}" if foreign else "all"


def _table(thresholds: dict[str, Threshold]) -> list[str]:
    rows = [f"| `{name}` | {value} | {value.meaning} |" for name, value in thresholds.items()]
    return ["| threshold | value | meaning |", "|---|---|---|", *rows]


if __name__ == "__main__":
    sys.stdout.write(reference())
