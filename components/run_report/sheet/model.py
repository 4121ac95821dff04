"""Topics of the reporting sheet: the model and its training."""

from __future__ import annotations

from components.artifacts import OPERATING_POINT_FILE, TRAINING_FILE
from components.run_report import lineage
from components.run_report.lineage import CODE, CONFIG, ENVIRONMENT, NotRecorded, Paper
from components.run_report.sheet.rows import BOTH, CLAIM, TRIPOD, Topic
from components.run_report.wording import listed


def _structure(config: Paper) -> str:
    parameters = listed(config.at("model", "parameters"))
    return f"{config.at('model', 'architecture')}{f' ({parameters})' if parameters else ''}"


def _input_and_output(config: Paper) -> str:
    data = config.at("data")
    classes = ", ".join(data["classes"]) or "foreground"
    size = f"{data['height']} x {data['width']} pixels, channels: {data['channels']}"
    return f"In: {size}. Out: a probability of {classes} for each pixel"


def _size(training: Paper) -> str:
    return f"{training.at('parameters'):,} trained numbers"


def _initialisation(training: Paper) -> str:
    weights = training.content.get("weights")
    return f"{training.at('start')}{f'; weights: {listed(weights)}' if weights else ''}"


def _libraries(environment: Paper) -> str:
    return listed(environment.at("versions"))


def _code(code: Paper) -> str:
    if not code.content:
        raise NotRecorded("code")
    return f"Hashes of the code of {len(code.content)} nodes, in the lineage below"


def _model(model: Paper) -> str:
    version = model.stated("version")
    return f"{model.at('format')}, {f'served as version {version}' if version else 'not served'}"


def _approach(config: Paper) -> str:
    training = config.at("training")
    keys = ("optimizer", "learning_rate", "schedule", "batch_size", "loss", "epochs", "budget", "seed")
    return listed({key: training[key] for key in keys})


def _augmentation(config: Paper) -> str:
    settings = config.at("augmentation")
    chances = {name: value.get("probability", 0) for name, value in settings.items() if isinstance(value, dict)}
    chances |= {name: value for name, value in settings.items() if name.endswith("_flip") or name == "right_angle"}
    drawn = listed({name: chance for name, chance in chances.items() if chance})
    copies = "drawn anew in every epoch" if settings["online"] else f"copies per record: {settings['copies']}"
    return f"{copies}; by probability: {drawn}" if drawn else "None"


def _balance(config: Paper) -> str:
    training = config.at("training")
    around = training["oversample_foreground"]
    return f"Share of a batch that is drawn around foreground: {around}; balanced by: {training['balance']}"


def _selection(training: Paper) -> str:
    if members := training.content.get("members"):
        return f"None: {members} models together, each at the epoch that was best on its fold"
    kept, epochs = training.at("kept"), training.at("epochs_run")
    return f"The weights of {kept}, of {epochs} epochs; nothing was chosen on test data"


def _ensembling(config: Paper) -> str:
    folds = config.stated("folds")
    return f"The mean of the probabilities of {folds['k']} models, one a fold" if folds else "None: a single model"


def _operating_point(point: Paper) -> str:
    tried, cases = point.at("tried"), f"{point.at('cases')} cases of {point.at('groups')} groups"
    chosen = f"{listed(point.at('operating_point'))}; {len(tried)} changes tried"
    return (
        f"{chosen}, {sum(trial['kept'] for trial in tried)} kept, on {cases} ({point.at('split')}), none of them test"
    )


def _hardware(training: Paper) -> str:
    return f"{', '.join(training.at('devices'))}; {training.at('seconds') / 60:.1f} minutes"


MODEL = (
    Topic("Structure of the model", BOTH, CONFIG, _structure),
    Topic("Input and output", BOTH, CONFIG, _input_and_output),
    Topic("Number of parameters", (CLAIM,), TRAINING_FILE, _size),
    Topic("Initialisation", (CLAIM,), TRAINING_FILE, _initialisation),
    Topic("Threshold and what is done to masks", BOTH, OPERATING_POINT_FILE, _operating_point),
    Topic("The model itself", (TRIPOD,), lineage.MODEL, _model),
    Topic("Libraries", (CLAIM,), ENVIRONMENT, _libraries),
    Topic("Code", BOTH, CODE, _code),
)
TRAINING = (
    Topic("Training approach", BOTH, CONFIG, _approach),
    Topic("Augmentation", (CLAIM,), CONFIG, _augmentation),
    Topic("Class imbalance", (TRIPOD,), CONFIG, _balance),
    Topic("How the final model was selected", BOTH, TRAINING_FILE, _selection),
    Topic("Ensembling", (CLAIM,), CONFIG, _ensembling),
    Topic("Hardware and time", (CLAIM,), TRAINING_FILE, _hardware),
)
