"""Every rule fires on a synthetic training with its fault, and does not fire on a similar healthy one."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from rlvitals.diagnosis import Context, Evidence, EvidenceBuilder, diagnose
from rlvitals.diagnosis.finding import all_codes
from rlvitals.diagnosis.rules import RULES
from rlvitals.records import Episode, PolicyUpdate, SystemSample
from rlvitals.testing.trainings import MadeTraining

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Change = Callable[[MadeTraining], object]


class Case(NamedTuple):
    """A rule, a change that it fires on, a similar change that it does not fire on, and the kind of training."""

    code: str
    fires: Change
    silent: Change
    continuous: bool = False
    first: bool = True


def nothing(_: MadeTraining) -> None:
    """Leave the training unchanged."""


def noise(made: MadeTraining, around: float) -> Array:
    return around * (1.0 + 0.05 * made.generator.standard_normal(60))


def from_update(number: int, value: float) -> Change:
    def change(made: MadeTraining) -> None:
        made.updates["policy_loss"][number:] = value

    return change


def thrown(made: MadeTraining) -> Array:
    """Return actions that are inside their bounds in the first rollout and at them from then on."""
    return np.where(np.arange(len(made.along)) == 0, 0.02, 0.99)


def constant_reward(made: MadeTraining) -> None:
    made.set("episodes", reward=1.0)


def sparse_then_found(made: MadeTraining) -> None:
    made.set("episodes", reward=np.where(made.episodes_along < 0.08, 0.0, made.episodes["reward"]))


def lose(share: float) -> Change:
    """From 70 % on, lose a share of the gain."""

    def change(made: MadeTraining) -> None:
        reward = made.episodes["reward"]
        late = made.episodes_along > 0.7
        reward[late] -= share * (np.mean(reward[-20:]) - 20.0)

    return change


def failed(failure: str) -> Change:
    """End the run by an exception."""

    def change(made: MadeTraining) -> None:
        made.facts.update(status="failed", failure=failure)

    return change


def below_start(made: MadeTraining, drop: float) -> None:
    """Continue a checkpoint of 300 and drop at a fifth of the budget."""
    level = 300.0 - drop * (made.episodes_along > 0.2)
    made.set("episodes", reward=level + 30.0 * made.generator.standard_normal(level.size)).set(
        "evaluations", reward=None
    )
    made.set("updates", explained_variance=0.5 + 0.02 * made.generator.standard_normal(60))


def opposed_quality(sign: float) -> Change:
    def change(made: MadeTraining) -> None:
        made.set("episodes", quality_improvement=sign * made.episodes["reward"] / 200.0)

    return change


def hacked(made: MadeTraining) -> None:
    noise = 0.02 * made.generator.standard_normal(len(made.episodes_along))
    made.set("episodes", quality_improvement=0.5 - 0.4 * made.episodes_along + noise)


def honest(made: MadeTraining) -> None:
    noise = 0.2 * made.generator.standard_normal(len(made.episodes_along))
    made.set("episodes", quality_improvement=0.1 + 0.01 * made.episodes_along + noise)


def fall(depth: float, back: float) -> Change:
    """At 60 %, lose a share of the gain; from 70 % on, regain a share of it."""

    def change(made: MadeTraining) -> None:
        reward, at = made.episodes["reward"], made.episodes_along
        gain = float(np.mean(reward[(at > 0.5) & (at < 0.6)])) - 20.0
        reward[at >= 0.6] = 20.0 + gain * (1.0 - depth) + 5.0 * made.generator.standard_normal(int((at >= 0.6).sum()))
        reward[at >= 0.7] += gain * (back - (1.0 - depth))

    return change


def partly_opposed(until: float) -> Change:
    """Make rewards of quality with a flipped sign, for a share of the episodes, and of another term."""

    def change(made: MadeTraining) -> None:
        at = made.episodes_along
        quality = -0.5 * at + 0.2 * made.generator.standard_normal(at.size)
        sign = np.where(at < until, -1.0, 1.0)
        reward = 3.0 * at + sign * quality + 0.25 * made.generator.standard_normal(at.size)
        made.set("episodes", reward=reward, quality_improvement=quality).set("evaluations", reward=None)

    return change


def categories(rate: float) -> Change:
    """Make one episode in five of a rare category that succeeds at a rate; the others succeed at 60 %."""

    def change(made: MadeTraining) -> None:
        count = len(made.episodes_along)
        rare = np.arange(count) % 5 == 0
        success = made.generator.random(count) < np.where(rare, rate, 0.6)
        made.set("episodes", category=np.where(rare, "complex", "simple"), success=success)

    return change


def evaluated(gain: float, *, items: int = 40, **extra: Any) -> Change:
    """Evaluate the agent and a baseline that it exceeds by a gain on each item, in units of the noise."""

    def change(made: MadeTraining) -> None:
        level = np.arange(items) % 7.0
        first, second = made.generator.standard_normal((2, items))
        made.evaluate("one fixed setting", level + first - first.mean(), **extra)
        made.evaluate(None, level + gain + second - second.mean())

    return change


def level_from(share: float) -> Change:
    """Let returns rise until a share of the training, and stay level from then on."""

    def change(made: MadeTraining) -> None:
        at = made.episodes_along
        reward = 20.0 + 180.0 * np.minimum(1.0, at / share) + 5.0 * made.generator.standard_normal(at.size)
        made.set("episodes", reward=reward).set("evaluations", reward=None)

    return change


def level_with_rising_success(made: MadeTraining) -> None:
    level_from(0.3)(made)
    success = made.generator.random(len(made.episodes_along)) < made.episodes_along
    made.set("episodes", success=success)


def time_limit(reason: str) -> Change:
    def change(made: MadeTraining) -> None:
        length = np.minimum(made.episodes["length"], 150.0)
        ends = np.where(length == 150.0, reason, "terminated")
        made.set("episodes", length=length, termination_reason=ends)

    return change


def slow(factor: float) -> Change:
    def change(made: MadeTraining) -> None:
        for stream in (made.updates, made.episodes):
            time = stream["time"]
            steps = np.diff(time, prepend=time[0])
            steps[len(time) // 2 :] *= factor
            stream["time"] = time[0] + np.cumsum(steps)

    return change


def memory(growth: Callable[[Array], Array]) -> Change:
    def change(made: MadeTraining) -> None:
        made.memory = 300.0 + growth(made.along)

    return change


def one_step(from_share: float) -> Change:
    def change(made: MadeTraining) -> None:
        made.set("episodes", length=np.where(made.episodes_along >= from_share, 1.0, made.episodes["length"]))
        if from_share == 0.0:
            made.set("evaluations", length=1.0)

    return change


def worse(made: MadeTraining) -> None:
    """Returns drop below those of the untrained policy, while the critic learns."""
    level = 20.0 - 10.0 * np.minimum(1.0, made.episodes_along * 8.0)
    made.set("episodes", reward=level + made.generator.standard_normal(level.size))


def constant_critic(made: MadeTraining, *, reacts: bool) -> None:
    along = made.along
    made.flat().set("updates", explained_variance=1e-8 * made.generator.standard_normal(along.size))
    bias = 3e-4 * 10 * 500 / 50 * np.arange(along.size)
    if reacts:
        made.set("updates", value_mean=10.0 * (1.0 - np.exp(-20.0 * along)))
    else:
        made.set("updates", value_mean=bias, clip_fraction=0.0, kl_divergence=5e-5)


def stuck_at_time_limit(fall: float) -> Change:
    def change(made: MadeTraining) -> None:
        made.set("episodes", length=200.0, termination_reason="truncated", success=False)
        made.set("evaluations", success_rate=0.0)
        made.set("updates", entropy=4.26 - 3.0 * fall * made.along, action_std=None)

    return change


def searched(best: float = 0.5, away: float = 0.0, *, weight: float = 0.0) -> Change:
    """Report attempts of a policy with noise around `best + away`: the reward falls with the distance from `best`.

    Args:
        best: Best value of the parameter `speed`, from 0 to 1.
        away: Distance of the policy from it.
        weight: Effect of the parameter `mode` on the reward.
    """

    def change(made: MadeTraining) -> None:
        count = len(made.episodes["env_step"])
        speed = np.clip(best + away + 0.2 * made.generator.standard_normal((count, 8)), 0.0, 1.0)
        mode = made.generator.random((count, 8))
        reward = -4.0 * (speed - best) ** 2 + weight * mode + 0.1 * made.generator.standard_normal((count, 8))
        attempts = np.empty(count, dtype=object)
        for at in range(count):
            attempts[at] = [
                {"parameters": {"speed": one, "mode": other}, "reward": earned}
                for one, other, earned in zip(speed[at].tolist(), mode[at].tolist(), reward[at].tolist(), strict=True)
            ]
        made.set("episodes", attempts=attempts)
        made.facts["parameter_bounds"] = {"speed": (0.0, 1.0), "mode": (0.0, 1.0)}

    return change


CASES = (
    Case("non-finite", from_update(40, float("nan")), from_update(40, 3.0)),
    Case(
        "gradient-explosion",
        lambda m: m.configure(max_grad_norm=1e9).set("updates", gradient_norm=5e3, gradient_norm_limit=1e9),
        lambda m: m.set("updates", gradient_norm=60.0),
    ),
    Case("kl-too-large", lambda m: m.set("updates", kl_divergence=3.0), lambda m: m.set("updates", kl_divergence=0.2)),
    Case(
        "learning-rate-too-high",
        lambda m: m.set("updates", learning_rate=0.1, kl_divergence=2.0),
        lambda m: m.set("updates", learning_rate=0.1),
    ),
    Case(
        "learning-rate-too-high",
        lambda m: m.set("updates", learning_rate=6e-3, kl_divergence=9.0, action_bound_fraction=thrown(m)),
        lambda m: m.set("updates", learning_rate=6e-3, kl_divergence=0.25),
        continuous=True,
    ),
    Case(
        "learning-rate-too-low",
        lambda m: m.set("updates", learning_rate=5e-6, kl_divergence=1e-4, clip_fraction=0.0),
        lambda m: m.set("updates", learning_rate=5e-6, kl_divergence=1e-4, clip_fraction=0.01),
    ),
    Case(
        "learning-rate-too-low",
        lambda m: m.flat().set("updates", learning_rate=1e-6, kl_divergence=1e-7, clip_fraction=0.0),
        lambda m: m.set("updates", learning_rate=1e-6),
    ),
    Case(
        "learning-rate-zero",
        lambda m: m.set("updates", learning_rate=3e-4 * np.maximum(0.0, 1.0 - 2.0 * m.along)),
        lambda m: m.set("updates", learning_rate=3e-4 * (1.0 - m.along)),
    ),
    Case("stale-data", lambda m: m.set("updates", epochs=80.0), lambda m: m.set("updates", epochs=20.0)),
    Case(
        "stale-data",
        lambda m: m.set("updates", explained_variance=np.repeat(m.updates["explained_variance"][::10], 10)),
        lambda m: m.set("updates", explained_variance=0.0),
        first=False,
    ),
    Case(
        "entropy-collapse",
        lambda m: m.flat().set("updates", entropy=0.69 * np.exp(-30.0 * m.along)),
        lambda m: m.set("updates", entropy=0.69 * np.exp(-8.0 * m.along)),
    ),
    Case(
        "entropy-collapse",
        lambda m: m.set("updates", entropy=3.0 * (1.42 - 5.0), action_std=0.0067),
        lambda m: m.set("updates", entropy=3.0 * (1.42 - 0.5), action_std=0.6),
        continuous=True,
    ),
    Case(
        "entropy-too-high",
        lambda m: m.configure(ent_coef=1.0).set("updates", entropy=0.68),
        lambda m: m.configure(ent_coef=0.01).set("updates", entropy=0.68),
    ),
    Case(
        "actions-saturated",
        lambda m: m.flat().set("updates", action_bound_fraction=0.97),
        lambda m: m.set("updates", action_bound_fraction=0.3 + 0.65 * m.along),
        continuous=True,
    ),
    Case(
        "value-not-learning",
        lambda m: m.set(
            "updates", explained_variance=noise(m, -0.01), value_mean=0.0, advantage_mean=m.updates["return_mean"]
        ),
        lambda m: m.set("updates", explained_variance=0.9 - 3.0 * m.along),
    ),
    Case("discount", lambda m: m.configure(gamma=0.0), lambda m: m.configure(gamma=0.8)),
    Case(
        "discount",
        lambda m: (
            m.configure(gamma=1.0)
            .set("episodes", termination_reason="truncated")
            .set("updates", explained_variance=1e-3 * m.generator.standard_normal(60))
        ),
        lambda m: m.configure(gamma=1.0).set("episodes", termination_reason="truncated"),
    ),
    Case(
        "advantage-estimation",
        lambda m: m.extra.update(advantage_residual=np.full(60, 0.8)),
        lambda m: m.extra.update(advantage_residual=np.full(60, 1e-7)),
    ),
    Case("advantage-estimation", lambda m: m.flat(), nothing),
    Case(
        "advantage-estimation",
        lambda m: m.flat().set("updates", return_mean=99.0, explained_variance=noise(m, -9.0)),
        lambda m: m.set("updates", return_mean=99.0),
    ),
    Case(
        "observations-frozen",
        lambda m: m.extra.update(observation_std=np.zeros(60), observation_constant_fraction=np.ones(60)),
        lambda m: m.extra.update(observation_std=np.ones(60), observation_constant_fraction=np.full(60, 0.5)),
    ),
    Case("observations-frozen", lambda m: constant_critic(m, reacts=True), nothing),
    Case(
        "dead-policy",
        lambda m: constant_critic(m, reacts=False),
        lambda m: m.set("updates", clip_fraction=0.0, kl_divergence=5e-5),
    ),
    Case("reward-constant", constant_reward, sparse_then_found),
    Case(
        "reward-scale",
        lambda m: m.flat().set("updates", gradient_norm=2e4, kl_divergence=1e-6, clip_fraction=0.0),
        lambda m: m.set("updates", gradient_norm=200.0),
    ),
    Case(
        "reward-scale",
        lambda m: m.flat(2e-5).set("updates", explained_variance=noise(m, -4.0)),
        lambda m: m.set("episodes", reward=m.episodes["reward"] * 1e-2),
    ),
    Case("reward-sign", opposed_quality(-1.0), opposed_quality(1.0)),
    Case("reward-sign", partly_opposed(1.0), partly_opposed(0.3)),
    Case("reward-sign", worse, nothing),
    Case(
        "reward-sign",
        lambda m: m.set("evaluations", reward=-m.evaluations["reward"]),
        lambda m: m.set("evaluations", reward=m.evaluations["reward"] - 30.0),
    ),
    Case("reward-hacking", hacked, honest),
    Case("regression", lose(1.0), lose(0.6)),
    Case("regression", lambda m: below_start(m, 250.0), lambda m: below_start(m, 20.0)),
    Case("no-learning", lambda m: m.flat().set("updates", explained_variance=noise(m, 0.5)), nothing),
    Case(
        "plateau",
        lambda m: m.configure(log_std_init=-4.0).set("updates", action_std=0.018 - 1e-4 * m.along),
        lambda m: m.configure(log_std_init=-1.0).set("updates", action_std=0.37 - 1e-4 * m.along),
        continuous=True,
    ),
    Case("plateau", stuck_at_time_limit(0.6), stuck_at_time_limit(0.05), continuous=True),
    Case(
        "evaluation-gap",
        lambda m: m.set("evaluations", reward=20.0),
        lambda m: m.set("evaluations", reward=190.0),
        first=False,
    ),
    Case(
        "below-baseline", lambda m: m.facts.update(baseline=300.0), lambda m: m.facts.update(baseline=22.0), first=False
    ),
    Case("below-baseline", evaluated(-1.0), evaluated(1.0)),
    Case("below-baseline", evaluated(-1.0, attempts=1), evaluated(-1.0, attempts=40)),
    Case("not-better-than-baseline", evaluated(0.0), evaluated(1.0)),
    Case("not-better-than-baseline", evaluated(0.0), evaluated(0.0, items=8)),
    Case("gain-stopped", level_from(0.3), level_from(0.7)),
    Case("gain-stopped", lambda m: evaluated(3.0)(m.flat().set("updates", explained_variance=noise(m, 0.5))), nothing),
    Case(
        "no-learning",
        lambda m: evaluated(-1.0)(m.flat().set("updates", explained_variance=noise(m, 0.5))),
        lambda m: evaluated(3.0)(m.flat().set("updates", explained_variance=noise(m, 0.5))),
        first=False,
    ),
    Case("gain-stopped", level_from(0.3), level_with_rising_success),
    Case(
        "large-policy-updates",
        lambda m: m.set("updates", kl_divergence=noise(m, 0.14), clip_fraction=noise(m, 0.48)),
        lambda m: m.set("updates", kl_divergence=noise(m, 0.05), clip_fraction=noise(m, 0.48)),
        first=False,
    ),
    Case("episodes-of-length-one", one_step(0.02), one_step(0.0)),
    Case("truncation-as-termination", time_limit("terminated"), time_limit("truncated")),
    Case("category-neglected", categories(0.0), categories(0.4)),
    Case("throughput-drop", slow(6.0), slow(1.5)),
    Case("memory-leak", memory(lambda x: 100.0 * x), memory(lambda x: 100.0 * (1.0 - np.exp(-12.0 * x)))),
    Case("regression", fall(1.0, 0.3), fall(1.0, 0.9)),
    Case(
        "stalled", lambda m: m.facts.update(status="crashed", reason="gone"), lambda m: m.facts.update(status="paused")
    ),
    Case(
        "stalled",
        lambda m: m.facts.update(status="stalled", reason="silent"),
        lambda m: m.facts.update(status="failed"),
    ),
    Case("run-failed", failed("RuntimeError: no route to host"), lambda m: m.facts.update(status="preempted")),
    Case("run-failed", lambda m: m.facts.update(status="failed"), lambda m: m.facts.update(status="crashed")),
    Case("non-finite", failed("ValueError: found nan in observations"), failed("ImportError: no module named nano")),
    Case("parameter-at-bound", searched(0.0), searched(), first=False),
    Case("parameter-without-effect", searched(), searched(weight=2.0), first=False),
    Case("search-exhausted", searched(), searched(away=0.3), first=False),
    Case("data-missing", lambda m: m.facts.update(dropped={"records": 3}), nothing),
)


@pytest.mark.parametrize("case", CASES, ids=[f"{case.code}-{place}" for place, case in enumerate(CASES)])
def test_a_rule_fires_on_its_fault_and_names_it(case: Case) -> None:
    """The finding is first, or, in the marked cases, among the findings."""

    made = MadeTraining(continuous=case.continuous)
    case.fires(made)
    findings = diagnose(made.evidence()).findings
    assert case.code in (([findings[0].code] if findings else []) if case.first else all_codes(findings))


@pytest.mark.parametrize("case", CASES, ids=[f"{case.code}-{place}" for place, case in enumerate(CASES)])
def test_a_rule_does_not_fire_on_similar_healthy_runs(case: Case) -> None:
    """There is no such finding, and no such folded symptom."""

    made = MadeTraining(continuous=case.continuous)
    case.silent(made)
    assert case.code not in all_codes(diagnose(made.evidence()).findings)


@pytest.mark.parametrize(
    ("status", "title"),
    [("failed", "The run failed"), ("crashed", "The run crashed"), ("stalled", "The run has stalled")],
)
def test_the_title_of_a_stopped_run_names_its_status(status: str, title: str) -> None:
    """The title distinguishes a failed, a crashed and a stalled run."""
    made = MadeTraining()
    made.facts.update(status=status, reason="gone")

    assert [finding.title for finding in diagnose(made.evidence()).findings] == [title]


@pytest.mark.parametrize(
    ("failure", "advice"),
    [
        ("OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB", "Reduce the batch size"),
        ("_ArrayMemoryError: Unable to allocate 7.28 TiB for an array", "Reduce the batch size"),
        ("MemoryError", "Reduce the batch size"),
        ("OSError: [Errno 28] No space left on device", "Free disk space"),
        ("EOFError", "A subprocess"),
        ("EOFError: Ran out of input", "Correct the error in the line"),
        ("KeyError: 'nan'", "Correct the error in the line"),
        ("SystemExit: 3", "reason of the exit"),
        ("AssertionError: the action has 2 axes", "Correct the error in the line"),
    ],
)
def test_the_advice_for_a_failed_run_depends_on_the_exception(failure: str, advice: str) -> None:
    """The cause is the exception, and `stalled` does not repeat it."""
    made = MadeTraining()
    failed(failure)(made)
    (finding,) = diagnose(made.evidence()).findings

    assert (finding.code, finding.severity, finding.symptoms) == ("run-failed", "critical", ())
    assert finding.cause == f"The training failed with {failure}"
    assert finding.evidence == {"exception": failure.partition(":")[0]}
    assert advice in finding.advice


def test_the_exception_in_a_cause_is_on_one_short_line() -> None:
    """Numpy and torch print arrays in their messages."""
    made = MadeTraining()
    failed("AssertionError: \nNot equal\n" + 100 * " x: array([1, 2])\n")(made)
    (finding,) = diagnose(made.evidence()).findings

    assert finding.cause.startswith("The training failed with AssertionError: Not equal x: array")
    assert len(finding.cause) < 240


def test_an_exception_about_another_thing_is_not_a_symptom_of_earlier_non_finite_values() -> None:
    made = MadeTraining()
    made.set("updates", policy_loss=np.nan)
    failed("OSError: [Errno 28] No space left on device")(made)

    assert [finding.code for finding in diagnose(made.evidence()).findings] == ["run-failed", "non-finite"]


def test_an_interrupted_training_did_not_fail() -> None:
    """Ctrl-C gives an info finding, so that the run stays healthy."""
    made = MadeTraining()
    failed("KeyboardInterrupt")(made)
    diagnosis = diagnose(made.evidence())

    assert [(one.severity, one.title) for one in diagnosis.findings] == [("info", "The run was interrupted")]
    assert diagnosis.status == "healthy"


def test_an_exception_about_non_finite_values_is_weaker_evidence_than_a_recorded_value() -> None:
    """The finding states its origin. In both cases, it explains the failure."""
    made = MadeTraining()
    failed("ValueError: Expected parameter loc to be Real(), but found invalid values:\ntensor([nan])")(made)
    (said,) = diagnose(made.evidence()).findings
    made.set("updates", policy_loss=np.nan)
    (recorded,) = diagnose(made.evidence()).findings

    assert [finding.code for finding in (said, recorded)] == ["non-finite", "non-finite"]
    assert [one.code for finding in (said, recorded) for one in finding.symptoms] == ["run-failed", "run-failed"]
    assert said.confidence < 0.9 < recorded.confidence
    assert said.title == "Non-finite values in an exception"
    assert said.cause.startswith("No recorded value is non-finite")
    assert "found invalid values: tensor([nan])" in said.evidence["exception"]


def test_every_rule_has_a_case() -> None:
    """Every rule has at least one case."""

    assert {rule.code for rule in RULES} == {case.code for case in CASES}


@pytest.mark.parametrize("continuous", [False, True])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0])
def test_a_healthy_training_has_no_findings(share: float, *, continuous: bool) -> None:
    """A healthy training has no findings at any time, for several seeds."""

    for seed in range(3):
        assert diagnose(MadeTraining(seed=seed, continuous=continuous).evidence(share)).findings == ()


def discount(made: MadeTraining, length: Any, reason: str = "terminated", **settings: Any) -> str | None:
    """Return the severity of the finding about a discount of 0, if there is one."""
    made.configure(gamma=0.0, **settings).set("episodes", length=length, termination_reason=reason)
    every = [one for finding in diagnose(made.evidence()).findings for one in (finding, *finding.symptoms)]
    return next((finding.severity for finding in every if finding.code == "discount"), None)


@pytest.mark.parametrize("attempts", [1.0, 4.0, 8.0, 20.0])
def test_a_zero_discount_is_right_for_a_constant_number_of_attempts(attempts: float) -> None:
    """A constant number of attempts per episode needs no discount; without a rise in returns the finding is info."""

    assert discount(MadeTraining(), attempts) is None
    assert discount(MadeTraining().flat(), attempts) == (None if attempts == 1.0 else "info")


def test_a_zero_discount_is_right_if_the_user_declares_independent_steps() -> None:
    """`independent_steps` disables the rule for any length of episodes, truncated or not."""

    assert discount(MadeTraining().flat(), 50.0, "truncated", independent_steps=True) is None
    assert discount(MadeTraining(), MadeTraining().episodes["length"], independent_steps=True) is None


def test_a_zero_discount_is_a_fault_in_long_episodes_and_info_in_short_ones() -> None:
    """The lengths of long episodes depend on the actions of the agent or on a time limit."""

    assert discount(MadeTraining(), 2.0 + np.arange(300) % 3) == "info"
    assert discount(MadeTraining(), MadeTraining().episodes["length"]) == "critical"
    assert discount(MadeTraining(), 10.0, "truncated") == "critical"
    assert discount(MadeTraining(), 200.0) == "critical"
    assert discount(MadeTraining(), 200.0, independent_steps=False) == "critical"


def test_memory_loaded_before_or_after_the_steps_is_no_leak() -> None:
    """Memory growth before the first and after the last step is ignored, and samples without a step are valid."""

    def evidence(growth: float, evaluated: float = 0.0) -> Evidence:
        made, collector = MadeTraining(), EvidenceBuilder()
        for second in range(120):
            step = None if second < 40 else 100 * min(second - 39, 40)
            grown = growth * min(max(0, second - 40), 40) + evaluated * max(0, second - 80)
            memory = 300.0 + 5.0 * min(second, 40) + grown
            collector.add(SystemSample(time=float(second), env_step=step, memory=memory))
        for update in range(20):
            collector.add(PolicyUpdate(time=50.0 + update, step=200 * update, env_step=200 * update, entropy=1.0))
        return collector.evidence(made.evidence().context)

    assert [finding.code for finding in diagnose(evidence(0.0)).findings] == []
    assert [finding.code for finding in diagnose(evidence(0.0, evaluated=10.0)).findings] == []
    (leak,) = diagnose(evidence(5.0)).findings
    assert (leak.code, leak.since_step) == ("memory-leak", 100)


def test_non_finite_rewards_without_updates_are_a_warning() -> None:
    """A non-finite reward without updates is a warning, and a result without metrics has no reward."""

    def said(reason: str, *, updates: int) -> list[tuple[str, ...]]:
        collector = EvidenceBuilder()
        for number in range(30):
            reward = math.nan if number == 3 else 1.0 + number % 2
            collector.add(
                Episode(time=float(number), episode=number, reward=reward, length=1, termination_reason=reason)
            )
        for number in range(updates):
            collector.add(PolicyUpdate(time=float(number), step=number, value_loss=math.nan))
        found = diagnose(collector.evidence(Context())).findings
        return [(finding.severity, *finding.series[:1]) for finding in found if finding.code == "non-finite"]

    assert said("terminated", updates=0) == [("warning", "episodes.reward")]
    assert said("terminated", updates=3) == [("critical", "updates.value_loss")]
    assert said("optimization", updates=0) == []


def test_a_probable_rise_gives_no_finding_before_the_end() -> None:
    """Returns that probably rise give no finding before the end."""

    def told(rise: float, share: float) -> list[str]:
        made = MadeTraining(updates=40)
        count = len(made.episodes_along)
        noise = 30.0 * np.where(np.arange(count) % 2, 1.0, -1.0)
        made.set("episodes", reward=100.0 + rise * made.episodes_along + noise).set("evaluations", reward=None)
        return [one.code for one in diagnose(made.evidence(share)).findings]

    assert told(0.0, 0.7) == ["no-learning"]
    assert told(20.0, 0.7) == []


def test_rewards_that_are_too_large_are_found_after_five_updates() -> None:
    """With long rollouts, eight updates can be most of a training."""

    made = MadeTraining(updates=5).flat().set("updates", gradient_norm=2e4, kl_divergence=1e-6, clip_fraction=0.0)
    assert [finding.code for finding in diagnose(made.evidence()).findings] == ["reward-scale"]


def test_wrong_advantages_are_found_earlier_if_explained_variance_is_high() -> None:
    """With a lower explained variance the task can start late, so the rule waits for 90 % of the budget."""

    def alarms(explained: float, share: float) -> list[str]:
        made = MadeTraining(updates=80).flat()
        return [one.code for one in diagnose(made.set("updates", explained_variance=explained).evidence(share)).alarms]

    assert alarms(0.97, 0.65) == ["advantage-estimation"]
    assert alarms(0.85, 0.65) == []
    assert alarms(0.85, 0.95) == ["advantage-estimation"]


def test_a_constant_reward_is_not_a_fault_of_the_advantages() -> None:
    """Returns that differ only by rounding are constant, and not a fault of the advantages."""

    made = MadeTraining(updates=80).set("updates", explained_variance=0.97)
    reward = 5.0 + 1e-15 * made.generator.integers(0, 2, len(made.episodes["env_step"]))
    made.set("episodes", reward=reward, success=None).set("evaluations", reward=None, success_rate=None)
    assert [one.code for one in diagnose(made.evidence()).alarms] == ["reward-constant"]


def test_a_value_loss_with_no_effect_is_found_after_four_updates() -> None:
    """A zero coefficient is a fault if the critic explains nothing, unless the critic was trained elsewhere."""

    made = MadeTraining(updates=30).configure(vf_coef=0.0)
    untrained = np.where(made.along < 0.3, 0.6, 0.1)  # bootstrapped returns contain its own values
    assert "value-not-learning" in [
        one.code for one in diagnose(made.set("updates", explained_variance=untrained).evidence()).findings
    ]
    made = MadeTraining(updates=4).configure(vf_coef=0.0)
    assert [one.code for one in diagnose(made.set("updates", explained_variance=1e-3).evidence()).findings] == [
        "value-not-learning"
    ]
    assert diagnose(made.set("updates", explained_variance=0.9).evidence()).findings == ()


def test_a_non_finite_reward_before_finite_losses_is_a_warning() -> None:
    """One NaN reward that is followed by finite losses has not reached the network."""
    made = MadeTraining()
    made.episodes["reward"][100] = math.nan
    (finding,) = [one for one in diagnose(made.evidence()).findings if one.code == "non-finite"]

    assert (finding.severity, finding.series) == ("warning", ("episodes.reward",))
    assert "The losses of later updates are finite" in finding.cause
    assert "weights are lost" not in finding.advice


def test_a_useless_critic_without_logged_returns_is_evaluated() -> None:
    """A loop that logs advantages but no returns, as a plain PPO does, does not make the rule fail."""
    made = MadeTraining(updates=80).set("updates", return_mean=None, value_mean=None, explained_variance=-0.2)

    assert "advantage-estimation" not in [one.code for one in diagnose(made.evidence()).skipped_rules]
