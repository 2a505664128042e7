"""A file as a graph: who computes, who reads, and rewriting."""

import keras
import numpy as np
import tensorflow as tf

from mmnet_deploy.tflite import interpreter as runtime
from mmnet_deploy.tflite import operators
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.runtime import schema
from tests.support.networks import converted, converted_network, outputs_by_name
from tests.support.rewriting import kinds

PICTURE = np.random.default_rng(0).random((1, 8, 8, 3), np.float32)


def test_operators_come_in_the_order_of_execution(content):
    """With their kinds as the file format calls them."""
    found = kinds(Graph.from_bytes(content))
    assert found[0] == "CONV_2D"
    assert found[-3:] == ["CONCATENATION", "CONV_2D", "SOFTMAX"]
    assert sorted(found[1:3]) == ["CONV_2D", "DEPTHWISE_CONV_2D"]


def test_tensors_are_numbered_as_the_interpreter_counts(content):
    """`index` finds a tensor's value in the interpreter of the same file."""
    graph = Graph.from_bytes(content)
    names = {
        t["index"]: t["name"] for t in runtime.transparent_interpreter(content).get_tensor_details()
    }
    for op in graph.ops:
        assert names[graph.index(op.output)] == op.name


def test_subgraphs_are_counted(content):
    """A file with control flow has more than one."""
    many = converted(
        lambda image: tf.while_loop(
            lambda x: tf.reduce_sum(x) < 10, lambda x: (x + image,), (image,)
        ),
        (1, 2),
    )
    assert Graph.from_bytes(content).subgraphs == 1
    assert Graph.from_bytes(many).subgraphs == 3


def test_each_constant_is_named_once():
    """A filter that two convolutions share is one constant."""
    shared = keras.layers.Conv2D(3, 1, name="shared")
    graph = Graph.from_bytes(converted_network(lambda i: shared(shared(i))))
    assert kinds(graph) == ["CONV_2D", "CONV_2D"]
    constants = list(graph.constants())
    assert len({id(tensor) for tensor in constants}) == len(constants)
    assert [tensor.shape for tensor in constants].count((3, 1, 1, 3)) == 1


# --- Rewriting ---------------------------------------------------------------


def test_producers_and_consumers_are_neighbours(content):
    """Both branches read the stem, and the concatenation reads both."""
    graph = Graph.from_bytes(content)
    stem, one, other, join, _, end = graph.ops
    producers = graph.producers()
    assert graph.readers_of(stem.output) == [one, other]
    assert graph.readers_of(one.output) == graph.readers_of(other.output) == [join]
    assert {producers[id(tensor)] for tensor in join.inputs} == {one, other}
    assert id(graph.inputs[0]) not in producers
    assert (graph.readers_of(end.output), graph.is_output(end.output)) == ([], True)
    assert not graph.is_output(stem.output)


def test_a_reader_of_a_tensor_twice_is_one_consumer():
    """An operator counts once, however often it reads a tensor."""
    graph = Graph.from_bytes(converted_network(lambda i: keras.layers.Add()([i, i])))
    assert len(graph.readers_of(graph.inputs[0])) == 1


def test_the_index_of_readers_has_every_reader_of_every_tensor(content):
    """Once each, in the order of execution; what nobody reads is not in it."""
    graph = Graph.from_bytes(content)
    readers = graph.readers()
    for op in graph.ops:
        expected = [o for o in graph.ops if any(tensor is op.output for tensor in o.inputs)]
        assert readers.get(id(op.output), []) == graph.readers_of(op.output) == expected
    assert id(graph.outputs[0]) not in readers


def test_unused_operators_are_removed(content):
    """What does not lead to an output goes; what does stays, in its order."""
    graph = Graph.from_bytes(content)
    before = kinds(graph)
    dead = operators.logistic(graph.ops[0].output, "dead")
    graph.insert(graph.ops[2], [dead, operators.logistic(dead.output, "deader")])
    assert len(graph.ops) == len(before) + 2
    graph.remove_unused()
    assert kinds(graph) == before


def test_a_graph_cut_short_still_runs_through_its_signature(content):
    """With another output and fewer tensors, the name of the output leads to the new one."""
    graph = Graph.from_bytes(content)
    interpreter = runtime.transparent_interpreter(content)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], PICTURE)
    interpreter.invoke()
    for number, op in enumerate(graph.ops):
        expected = interpreter.get_tensor(graph.index(op.output))
        short = Graph.from_bytes(content)
        short.outputs = [short.ops[number].output]
        short.remove_unused()
        written = short.to_bytes()
        tensors = len(schema().ModelT.InitFromPackedBuf(written).subgraphs[0].tensors)
        assert tensors < len(interpreter.get_tensor_details()) or op is graph.ops[-1]
        (found,) = outputs_by_name(written, PICTURE).values()
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_new_operator_can_take_over_an_output(content):
    """Every reader of a replaced tensor, the user among them, gets the new one."""
    graph = Graph.from_bytes(content)
    softmax = graph.ops[-1]
    sigmoid = operators.logistic(softmax.input(0), "sigmoid")
    graph.insert(softmax, [sigmoid])
    graph.replace_tensor(softmax.output, sigmoid.output)
    graph.remove(softmax)
    assert kinds(graph)[-1] == "LOGISTIC"
    (before,), (after,) = (
        outputs_by_name(content, PICTURE).values(),
        outputs_by_name(graph.to_bytes(), PICTURE).values(),
    )
    ratio = after / (1 - after)  # Of the exponentials of the two logits.
    np.testing.assert_allclose(ratio / ratio.sum(-1, keepdims=True), before, atol=1e-5)


def test_replacing_a_tensor_reaches_every_reader(content):
    """Inputs of operators are exchanged in place, and nothing else."""
    graph = Graph.from_bytes(content)
    stem, one, other, *_ = graph.ops
    graph.replace_tensor(stem.output, graph.inputs[0])
    assert one.input(0) is other.input(0) is graph.inputs[0]
    assert one.input(1).data is not None
    assert graph.readers_of(stem.output) == []


def test_the_same_graph_gives_the_same_bytes(content):
    """Two graphs rewritten alike are written alike."""
    written = []
    for _ in range(2):
        graph = Graph.from_bytes(content)
        graph.ops.append(operators.logistic(graph.outputs[0], "again"))
        graph.outputs = [graph.ops[-1].output]
        written.append(graph.to_bytes())
    assert written[0] == written[1]
