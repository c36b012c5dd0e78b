"""ONNX and OpenVINO files whose graphs are not what they say."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from custom_modules.export.exported_files import load_exported
from custom_modules.export.metadata import METADATA
from custom_modules.export.openvino_files import save_openvino

from .case import Case
from .results import FACTS, FOREIGN


def _onnx(
    nodes: Callable[[Any], list], constants: dict[str, np.ndarray] | None = None, **changes: Any
) -> Callable[[Path], str]:
    """Return what becomes of a graph from ``image`` to ``logits``."""

    def run(folder: Path) -> str:
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        def end(name: str, kind: int, channels: int) -> Any:
            return helper.make_tensor_value_info(name, kind, ['n', channels, 'h', 'w'])

        graph = helper.make_graph(
            nodes(onnx),
            'g',
            [end(changes.get('input', 'image'), changes.get('takes', TensorProto.UINT8), 3)],
            [end('logits', changes.get('gives', TensorProto.FLOAT), 1)],
            [numpy_helper.from_array(v, k) for k, v in (constants or {}).items()],
        )
        imports = [helper.make_opsetid('', 20), helper.make_opsetid('stranger', 1)]
        model = helper.make_model(graph, opset_imports=imports, ir_version=9)
        helper.set_model_props(model, {METADATA: json.dumps(FACTS)})
        if changes.get('elsewhere'):
            onnx.external_data_helper.convert_model_to_external_data(
                model, location='../weights.bin', size_threshold=0
            )
            for tensor in model.graph.initializer:
                tensor.ClearField('raw_data')
        path = folder / 'model.onnx'
        path.write_bytes(model.SerializeToString())
        network, _ = load_exported(path)
        return f'logits {network(np.zeros((1, 3, 16, 16), np.uint8)).shape}'

    return run


def _convolution(onnx: Any, **attributes: Any) -> list:
    """Return the smallest network: a convolution of one channel."""
    return [
        onnx.helper.make_node('Cast', ['image'], ['x'], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node('Conv', ['x', 'w'], ['logits'], **attributes),
    ]


def _then(kind: str, *inputs: str, domain: str = '', **attributes: Any) -> Callable[[Any], list]:
    """Return the network with an operator behind it."""

    def nodes(onnx: Any) -> list:
        first, second = _convolution(onnx)
        second.output[0] = 'y'
        node = onnx.helper.make_node(kind, ['y', *inputs], ['logits'], domain=domain, **attributes)
        return [first, second, node]

    return nodes


def _loop(onnx: Any) -> list:
    """Return the network in a loop of 2**62 rounds."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    ends = [
        helper.make_tensor_value_info('round', onnx.TensorProto.INT64, []),
        helper.make_tensor_value_info('go', onnx.TensorProto.BOOL, []),
        helper.make_tensor_value_info('a', kind, None),
        helper.make_tensor_value_info('go2', onnx.TensorProto.BOOL, []),
        helper.make_tensor_value_info('b', kind, None),
    ]
    body = helper.make_graph(
        [
            helper.make_node('Identity', ['go'], ['go2']),
            helper.make_node('Identity', ['a'], ['b']),
        ],
        'body',
        ends[:3],
        ends[3:],
    )
    first, second = _convolution(onnx)
    second.output[0] = 'y'
    return [first, second, helper.make_node('Loop', ['rounds', '', 'y'], ['logits'], body=body)]


def _squared(onnx: Any) -> list:
    """Return a network that asks for as many numbers as the image has pixels, squared."""
    make = onnx.helper.make_node
    first, second = _convolution(onnx)
    second.output[0] = 'y'
    return [
        first,
        second,
        make('Flatten', ['y'], ['row'], axis=1),
        make('Transpose', ['row'], ['column'], perm=[1, 0]),
        make('MatMul', ['column', 'row'], ['square']),
        make('ReduceMean', ['square'], ['mean'], keepdims=1),
        make('Add', ['y', 'mean'], ['logits']),
    ]


W = dict(w=np.full((1, 3, 1, 1), 0.01, np.float32))
SCALES = np.array([1, 1, 10_000, 10_000], np.float32)
TWICE = [2, 2]

GRAPHS: dict[str, tuple[Callable[[Path], str], str, str]] = {
    'the smallest network': (_onnx(_convolution, W), '', 'logits (1, 1, 16, 16)'),
    'a loop of 2**62 rounds': (
        _onnx(_loop, W | dict(rounds=np.array(2**62))),
        'the operator Loop is not allowed',
        '',
    ),
    'an operator of a library of its own': (
        _onnx(_then('Relu', domain='stranger'), W),
        'the operator stranger.Relu is not allowed',
        '',
    ),
    'random numbers': (
        _onnx(_then('Bernoulli'), W),
        'the operator Bernoulli is not allowed',
        '',
    ),
    'weights in a file above the folder': (
        _onnx(_convolution, W, elsewhere=True),
        'said to lie in another file',
        '',
    ),
    'an image of float32': (_onnx(_convolution, W, takes=1), 'its images are not uint8', ''),
    'logits of text': (_onnx(_convolution, W, gives=8), 'its logits are not float32', ''),
    'another name of the image': (_onnx(_convolution, W, input='picture'), 'it has picture', ''),
    'logits of three channels': (
        _onnx(_convolution, dict(w=np.zeros((3, 3, 1, 1), np.float32))),
        'its logits are',
        '',
    ),
    'logits of half the size': (
        _onnx(lambda onnx: _convolution(onnx, strides=TWICE), W),
        'its logits are',
        '',
    ),
    'an enlargement of 10,000': (
        _onnx(_then('Resize', '', 's'), W | dict(s=SCALES)),
        'is too large',
        '',
    ),
    'a padding of 100,000 pixels': (
        _onnx(_then('Pad', 'p'), W | dict(p=np.array([0, 0, 10**5, 10**5] * 2))),
        'is too large',
        '',
    ),
    'as many numbers as pixels, squared': (_onnx(_squared, W), 'is too large', ''),
    'a channel of 2**40': (
        _onnx(_then('Expand', 'e'), W | dict(e=np.array([1, 2**40, 1, 1]))),
        'is too large',
        '',
    ),
    'weights of another shape than the image': (
        _onnx(_convolution, dict(w=np.zeros((1, 5, 1, 1), np.float32))),
        'the exported network cannot compute',
        '',
    ),
}

_XML = (
    '<net name="x" version="11"><layers>'
    '<layer id="0" name="image" type="Parameter" version="opset1">'
    '<data shape="?,3,?,?" element_type="u8"/><output><port id="0" names="image" precision="U8">'
    '<dim>-1</dim><dim>3</dim><dim>-1</dim><dim>-1</dim></port></output></layer>'
    '<layer id="1" name="r" type="Result" version="opset1"><input><port id="0" precision="U8">'
    '<dim>-1</dim><dim>3</dim><dim>-1</dim><dim>-1</dim></port></input></layer>'
    '</layers><edges><edge from-layer="0" from-port="0" to-layer="1" to-port="0"/></edges></net>'
)
XML: dict[str, tuple[str, str]] = {
    'the image as its own logits': (_XML, FOREIGN),
    'entities in entities': (
        '<!DOCTYPE x [<!ENTITY a "' + 'a' * 1000 + '"><!ENTITY b "' + '&a;' * 1000 + '">]>'
        '<net name="&b;">',
        'model.xml: ',
    ),
    'layers in layers without end': ('<net><layers>' + '<layer>' * 200_000, 'model.xml: '),
}


def _range(*bounds: float | None) -> Callable[[Path], str]:
    """Return what becomes of an OpenVINO file with a Range in it; None is the image's height."""

    def run(folder: Path) -> str:
        import openvino
        from openvino import opset13 as ops

        image = ops.parameter([-1, 3, -1, -1], np.uint8, name='image')
        image.output(0).tensor.set_names({'image'})
        height = ops.gather(ops.shape_of(image), ops.constant(2), ops.constant(0))
        ends = [height if one is None else ops.constant(np.array(one)) for one in bounds]
        numbers = ops.range(*ends, output_type='f32' if None not in bounds else 'i64')
        total = ops.reduce_sum(ops.convert(numbers, 'f32'), ops.constant([0]))
        mean = ops.reduce_mean(ops.convert(image, 'f32'), ops.constant([1]), keep_dims=True)
        logits = ops.result(ops.add(mean, total))
        logits.output(0).tensor.set_names({'logits'})
        path = folder / 'model.xml'
        save_openvino(openvino.Model([logits], [image], 'g'), path, json.dumps(FACTS))
        network, _ = load_exported(path)
        return f'logits {network(np.zeros((1, 3, 16, 16), np.uint8)).mean():g}'

    return run


#: Bounds of a Range -> part of the message, and what is read.
RANGES: dict[str, tuple[Callable[[Path], str], str, str]] = {
    'the axes 1 to 3 by a Range': (_range(1, 4, 1), '', 'logits 6'),
    'a Range to 2**40': (_range(0, 2**40, 1), 'from 0 to 1.09951e+12 by 1, gives more than 8', ''),
    'a Range by steps of 1e-12': (_range(0.0, 1.0, 1e-12), 'by 1e-12, gives more than 8', ''),
    'a Range of as many numbers as lines': (_range(0, None, 1), 'bounds that are no constants', ''),
}


def _xml(content: str) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        (folder / 'model.xml').write_text(content)
        (folder / 'model.bin').touch()
        return str(load_exported(folder / 'model.xml'))

    return run


GRAPH_CASES = (
    *(
        Case('exported file', name, run, refused=said, read=out)
        for name, (run, said, out) in GRAPHS.items()
    ),
    *(
        Case('exported file', f'{name} (OpenVINO)', run, refused=said, read=out)
        for name, (run, said, out) in RANGES.items()
    ),
    *(
        Case('exported file', f'{name} (OpenVINO)', _xml(text), refused=said)
        for name, (text, said) in XML.items()
    ),
)
