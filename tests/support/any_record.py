"""Any record that can be stored, for property tests."""

from hypothesis import strategies as st

from android_benchmark import (
    DeviceFacts,
    DeviceState,
    Engine,
    Flag,
    InstructionCounts,
    Measurement,
    OperatorTime,
    RunRules,
    Statistics,
)
from mmnet_deploy.results import record_json
from mmnet_deploy.results.records import (
    Benchmark,
    Cost,
    Evaluation,
    Import,
    OperatorCost,
    OutputDifference,
    PictureScore,
)
from mmnet_deploy.tflite.card import LayerError, ModelCard, ModelFile

METRICS = ("gradient_error", "mad", "sad", "mse", "mean_iou")

texts = st.text(max_size=8) | st.sampled_from(["\x00", "\u2028", "é", "\U0001f600"])
numbers = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 2**40)


def optional(strategy):
    return st.none() | strategy


def tuples(strategy, **size):
    return st.lists(strategy, max_size=3, **size).map(tuple)


cards = st.builds(
    ModelCard,
    family=texts,
    title=texts,
    width_multiplier=optional(numbers),
    height_px=counts,
    width_px=counts,
    precision=texts,
    parameters=optional(counts),
    input_meaning=texts,
    output_meaning=texts,
    weights_sha256=texts,
    calibration_files=tuples(texts),
    calibration_seed=optional(counts),
    float_layers=tuples(texts),
    layer_errors=tuples(st.builds(LayerError, texts, texts, numbers)),
    gradient_error_change=optional(numbers),
    largest_difference=optional(numbers),
    mean_difference=optional(numbers),
    checked_pictures=optional(counts),
    reduced_precision=texts,
    half_largest_difference=optional(numbers),
    half_mean_difference=optional(numbers),
    reduced_precision_reason=texts,
    versions=st.dictionaries(texts, texts, max_size=3),
)
model_files = st.builds(
    ModelFile, texts, texts, counts, optional(cards), optional(counts), optional(counts)
)
picture_scores = st.fixed_dictionaries({name: st.floats(0, 1e6) for name in METRICS})


def pictures(constant):
    """Some pictures with scores; those of a matte of one value are known of all or of none."""
    return tuples(st.builds(PictureScore, texts, picture_scores, constant), min_size=1)


evaluations = st.builds(
    Evaluation,
    model=model_files,
    data=texts,
    split=texts,
    height_px=optional(counts),
    width_px=optional(counts),
    engine=texts,
    pictures=pictures(st.just({})) | pictures(picture_scores),
    created_at=texts,
    gradient_error_definition=texts,
    foreground_share=optional(st.floats(0, 1)),
    upsample=texts,
    constant_value=optional(st.floats(0, 1)),
)
some_counts = st.lists(counts, max_size=3).map(tuple)
least = st.floats(0, 1e300)
states = st.builds(
    DeviceState,
    load_1min=optional(numbers),
    governors=tuples(texts),
    frequencies_khz=some_counts,
    frequency_limits_khz=some_counts,
    temperatures_c=st.dictionaries(texts, numbers, max_size=3),
    thermal_status=optional(counts),
    battery_percent=optional(numbers),
    battery_c=optional(numbers),
    charging=optional(st.booleans()),
    screen_on=optional(st.booleans()),
    free_memory_bytes=optional(counts),
)
times = st.floats(0, record_json.MOST_US)
measurements = st.builds(Measurement, tuples(times), tuples(times, min_size=1)) | st.builds(
    Measurement,
    tuples(times),
    st.just(()),
    st.builds(
        Statistics,
        st.integers(1, 2**40),
        optional(times),
        *[times] * 4,
        *[optional(times)] * 3,
        times,
    ),
)
benchmarks = st.builds(
    Benchmark,
    model=model_files,
    device=st.builds(
        DeviceFacts,
        texts,
        texts,
        texts,
        counts,
        texts,
        abi=texts,
        sdk=optional(counts),
        build=texts,
        kernel=texts,
        max_frequencies_khz=some_counts,
        emulated=st.booleans(),
        features=tuples(texts),
    ),
    engine=st.builds(
        Engine,
        texts,
        texts,
        texts,
        texts,
        optional(counts),
        optional(counts),
        optional(counts),
        texts,
        texts,
        texts,
        st.dictionaries(texts, texts, max_size=3),
        texts,
    ),
    threads=counts,
    rules=optional(
        st.builds(
            RunRules,
            counts,
            least,
            st.integers(1, 2**40),
            least,
            st.floats(1e-3, 1e6),
            st.sampled_from([50, 90]),
            optional(least),
            least,
        )
    ),
    measurement=measurements,
    flags=tuples(st.builds(Flag, texts, st.booleans(), texts, st.booleans())),
    before=states,
    after=states,
    versions=st.dictionaries(texts, texts, max_size=3),
    created_at=texts,
    cores=some_counts,
    cores_wanted=texts,
    init_us=optional(numbers),
    peak_memory_bytes=optional(counts),
    profile=tuples(st.builds(OperatorTime, texts, texts, numbers, counts)),
    output_difference=optional(
        st.builds(
            OutputDifference,
            texts,
            counts,
            counts,
            numbers,
            st.booleans(),
            optional(numbers),
            optional(numbers),
            optional(numbers),
            texts,
            st.booleans(),
        )
    ),
    outputs_not_compared=texts,
    profiling=st.booleans(),
    delegate_precision=texts,
    engine_flags=tuples(texts),
    computes_in=texts,
    imported_from=optional(st.builds(Import, texts, texts, texts, counts, st.booleans())),
)
costs = st.builds(
    Cost,
    model=model_files,
    precision=texts,
    counts=st.builds(InstructionCounts, *[counts] * 5, st.integers(1, 2**40)),
    runs=st.lists(counts, min_size=1, max_size=3).map(tuple),
    cpu=texts,
    identity=texts,
    engine=st.builds(Engine, texts, texts, texts),
    runtime=texts,
    runtime_wheel_sha256=texts,
    compiler=texts,
    qemu_version=texts,
    counter_sha256=texts,
    warmup_runs=counts,
    versions=st.dictionaries(texts, texts, max_size=3),
    created_at=texts,
    threads=counts,
    operators=tuples(st.builds(OperatorCost, texts, counts, counts, st.booleans())),
    operators_missing=texts,
    cpu_title=texts,
    computes_in=texts,
)
results = evaluations | benchmarks | costs
