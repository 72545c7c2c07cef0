"""PPO training (Stable-Baselines3) with parallel processes, checkpoints, resume and seeds."""

from __future__ import annotations

import functools
import logging
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecMonitor

from vtracer_gym.actions import SPREADS
from vtracer_gym.attempts import PreparedLogo
from vtracer_gym.baselines import Recorded, TuningSettings, tuned_action
from vtracer_gym.environment import VectorizeEnv
from vtracer_gym.errors import ModelError, TraceError, VtracerGymError
from vtracer_gym.farm import trying
from vtracer_gym.features import logo_features
from vtracer_gym.models import (
    CARD_FILE,
    MODEL_FILE,
    TRACES_FILE,
    ModelCard,
    Standardized,
    Traces,
    TrainedAgent,
    TrainingSettings,
    load_ppo,
)
from vtracer_gym.policy import POLICY_FILE
from vtracer_gym.training_callbacks import (
    CHECKPOINTS,
    Checkpoints,
    PolicyAverage,
    TraceRecorder,
    apply_average,
    newest_checkpoint,
    steps_of,
)
from vtracer_gym.warm_start import explore, warm_start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import gymnasium
    from stable_baselines3.common.callbacks import BaseCallback

    from vtracer_gym.logos import Logo

_LOGGER = logging.getLogger(__name__)


def vector_environment(logos: Sequence[Logo | PreparedLogo], settings: TrainingSettings) -> VecEnv:
    """Return parallel environments, one per process because VTracer holds the GIL; a single one runs here."""
    maker = functools.partial(VectorizeEnv, tuple(logos), settings.episode_steps, settings.weights)
    makers: list[Callable[[], gymnasium.Env[Any, Any]]] = [maker] * settings.processes
    if settings.processes == 1:
        return VecMonitor(DummyVecEnv(makers))
    return VecMonitor(SubprocVecEnv(makers, start_method="forkserver"))


def train(
    logos: Sequence[Logo],
    settings: TrainingSettings,
    folder: Path | str,
    *,
    unseen: Sequence[Logo] = (),
    resume: bool = False,
    compare: bool = True,
    callbacks: Sequence[BaseCallback] = (),
    on_stage: Callable[[str], None] = lambda _: None,
) -> TrainedAgent:
    """Train an agent and save it.

    Args:
        logos: Logos to train on. The same logo may occur in several sizes.
        settings: Settings of the training.
        folder: Folder for the model, its card and its checkpoints.
        unseen: Logos set aside for evaluation. Their names are stored in the card.
        resume: Whether to continue from the newest checkpoint in the folder, if there is one, up to ``settings.steps``.
            Otherwise, a previous training in the folder is deleted.
        compare: Whether to search for the best fixed setting with as many traces as the training, after it.
        callbacks: Callbacks of Stable-Baselines3.
        on_stage: Function that is called with the name of each stage of the training when it begins.

    Returns:
        The trained agent.

    Raises:
        ModelError: The checkpoint cannot be read, or belongs to a training with other settings or logos.
        VtracerGymError: VTracer fails on every logo, even with its defaults.
    """
    folder = Path(folder)
    card = ModelCard(settings, _names(logos), _names(unseen))
    checkpoint = newest_checkpoint(folder) if resume else None
    if checkpoint is not None:
        before = ModelCard.read(folder)
        _check_resumable(before, card)
        card = replace(card, start_action=before.start_action)
    prepared, features = _traceable(logos)
    if checkpoint is not None and steps_of(checkpoint) >= settings.steps and (folder / MODEL_FILE).exists():
        agent = TrainedAgent.load(folder)
    else:
        traces = Traces.empty(features)
        _delete(folder, checkpoint)
        if checkpoint is not None:
            traces = Traces.read(folder) or traces
        else:
            card, traces = _tune_and_explore(prepared, card, traces, on_stage)
        folder.mkdir(parents=True, exist_ok=True)
        card.write(folder)
        on_stage("training")
        recorder = TraceRecorder([one.logo for one in prepared], traces)
        saver = Checkpoints(folder, settings.checkpoint_every, recorder)
        model = _train_policy(prepared, card, checkpoint, recorder, [saver, *callbacks])
        agent = TrainedAgent(model, card, recorder.traces())
        agent.save(folder)
    if compare and settings.start is not None and agent.card.equal_action is None and agent.traces is not None:
        on_stage("searching for the best fixed setting")
        equal = _equal_action(prepared, settings, len(agent.traces.recorded.rewards))
        agent.card = replace(agent.card, equal_action=equal)
        agent.card.write(folder)
    return agent


def _delete(folder: Path, checkpoint: Path | None) -> None:
    """Delete what a previous training in the folder left, without what is needed to continue from a checkpoint."""
    stale = [folder / MODEL_FILE, folder / POLICY_FILE]
    if checkpoint is None:
        stale += [folder / CARD_FILE, folder / TRACES_FILE, *(folder / CHECKPOINTS).glob("*.zip")]
    for path in stale:
        path.unlink(missing_ok=True)


def _tune_and_explore(
    prepared: Sequence[PreparedLogo], card: ModelCard, traces: Traces, on_stage: Callable[[str], None]
) -> tuple[ModelCard, Traces]:
    """Tune one setting for all logos, and explore around it. Return the card with the setting, and the attempts."""
    settings = card.settings
    if settings.start is not None:
        on_stage("tuning one setting")
        action, tried = _tuned(prepared, settings, settings.start)
        card, traces = replace(card, start_action=tuple(action.tolist())), traces.with_more(tried)
    if settings.exploration:
        on_stage("exploring around it")
        rng = np.random.default_rng(settings.seed)
        with trying(prepared, settings.weights, settings.processes) as attempt:
            tried = explore(len(prepared), attempt, np.array(card.start_action), settings.exploration, rng)
        traces = traces.with_more(tried)
    return card, traces


def _train_policy(
    prepared: Sequence[PreparedLogo],
    card: ModelCard,
    checkpoint: Path | None,
    recorder: TraceRecorder,
    callbacks: Sequence[BaseCallback],
) -> PPO:
    """Return the trained model, from a checkpoint or from the start."""
    settings = card.settings
    torch.set_num_threads(1)  # the network is small, and VTracer uses the cores
    cv2.setNumThreads(1)
    environment = vector_environment(prepared, settings)
    try:
        if checkpoint is not None:
            model = load_ppo(checkpoint, environment)
        else:
            traces = recorder.traces()
            model = _new_model(environment, settings, card.start_action, traces.features)
            if settings.exploration:
                around = np.array(card.start_action)
                warm_start(model.policy, traces.features, traces.recorded, around, settings.seed)
        remaining = settings.steps - model.num_timesteps
        if remaining > 0:
            average = PolicyAverage(settings.steps)
            model.learn(remaining, CallbackList([recorder, average, *callbacks]), reset_num_timesteps=False)
        apply_average(model)
    finally:
        environment.close()
    return model


def _names(logos: Sequence[Logo]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(logo.name for logo in logos))


def _tuned(
    prepared: Sequence[PreparedLogo], settings: TrainingSettings, effort: TuningSettings
) -> tuple[NDArray[np.float64], Recorded]:
    with trying(prepared, settings.weights, settings.processes) as attempt:
        return tuned_action(len(prepared), attempt, np.random.default_rng(settings.seed), effort)


def _equal_action(prepared: Sequence[PreparedLogo], settings: TrainingSettings, traces: int) -> tuple[float, ...]:
    """Return the best fixed action for as many traces as the whole training: more logos per generation, then longer."""
    start = settings.start
    assert start is not None
    effort = replace(start, logos=min(2 * start.logos, len(prepared))).within(traces)
    action, _ = _tuned(prepared, settings, effort)
    return tuple(action.tolist())


def _check_resumable(before: ModelCard, now: ModelCard) -> None:
    old, new = asdict(before.settings), asdict(now.settings)
    changed = [name for name in new if name not in {"steps", "checkpoint_every"} and old[name] != new[name]]
    if changed:
        raise ModelError(
            f"the training was started with different settings ({', '.join(changed)}). Resume with the same settings"
        )
    if before.trained_on != now.trained_on:
        raise ModelError("the training was started with different logos. Resume with the same logos")


def _traceable(logos: Sequence[Logo]) -> tuple[list[PreparedLogo], NDArray[np.float32]]:
    """Return the logos that VTracer can trace with its defaults, and their features, shape (logos, features).

    Other logos are logged and skipped.
    """
    usable, features = [], []
    for logo in logos:
        prepared = PreparedLogo(logo)
        try:
            prepared.default  # noqa: B018 - computes the default attempt, or raises
        except TraceError as error:
            _LOGGER.warning("%s; skipping this logo", error)
        else:
            usable.append(prepared)
            features.append(logo_features(prepared))
        prepared.release()
    if not usable:
        raise VtracerGymError("VTracer fails on every logo, even with its default parameters")
    return usable, np.stack(features)


def _new_model(
    environment: VecEnv, settings: TrainingSettings, start: Sequence[float], features: NDArray[np.float32]
) -> PPO:
    rollout = settings.rollout_steps * settings.processes
    model = PPO(
        "MlpPolicy",
        environment,
        n_steps=settings.rollout_steps,
        batch_size=min(settings.batch_size, rollout),
        n_epochs=settings.epochs,
        learning_rate=_Falling(settings.learning_rate),
        gamma=settings.discount,
        seed=settings.seed,
        device="cpu",
        policy_kwargs={
            "log_std_init": settings.log_std,
            "net_arch": list(settings.network),
            "features_extractor_class": Standardized,
        },
    )
    extractor = model.policy.features_extractor
    assert isinstance(extractor, Standardized)
    extractor.fit(features)
    output = model.policy.action_net
    assert isinstance(output, torch.nn.Linear)
    with torch.no_grad():
        output.bias.copy_(torch.tensor(start))
        model.policy.log_std.add_(torch.log(torch.tensor(SPREADS)))
    return model


class _Falling:
    """Learning rate schedule that decreases linearly to a tenth. It is a class because it is pickled with the model."""

    def __init__(self, start: float) -> None:
        self.start = start

    def __call__(self, remaining: float) -> float:
        return self.start * (0.1 + 0.9 * remaining)
