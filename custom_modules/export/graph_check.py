"""What the graph of an exported file may hold, whoever wrote it: known before anything is run.

An allow-list of operators that compute a value once, without loops, branches or graphs of their
own, and a bound on every tensor between them. So a file can neither run without end nor ask for
more memory than a large network of this field does.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..base.errors import UserError
from ..datasets.image_reading import MOST_CHANNELS

INPUT, OUTPUT = 'image', 'logits'

#: Weights of 128 million parameters in float32. Protocol buffers end at 2 GiB.
LARGEST_FILE = 512 << 20

#: Operators of a network of 150 layers, a few for each.
MOST_OPERATORS = 20_000

#: Numbers of one tensor for each pixel of the image: U-Net's widest level here has 128.
MOST_PER_PIXEL = 1024

#: Numbers that an OpenVINO ``Range`` may give: the axes of a tensor, as for a LayerNorm.
MOST_AXES = 8

#: Sides of the images that shapes are looked at for: what grows faster than the image shows itself.
_SIDE, _GROWTH = 128, 16

#: The largest side that a file may fix.
_LARGEST_SIDE = 4096

_Sides = tuple[int, int]

#: A name of ONNX, and of OpenVINO where that is another one.
_OPERATORS = {
    *('Abs', 'Add', 'And', 'Cast', 'Ceil', 'Clip', 'Concat', 'Constant', 'Conv', 'ConvTranspose'),
    *('AveragePool', 'BatchNormalization', 'DepthToSpace', 'DequantizeLinear', 'Div', 'Dropout'),
    *('Elu', 'Equal', 'Erf', 'Exp', 'Expand', 'Flatten', 'Floor', 'Gather', 'GatherND', 'Gelu'),
    'Gemm',
    *('GlobalAveragePool', 'GlobalMaxPool', 'Greater', 'GroupNormalization', 'HardSigmoid'),
    *('HardSwish', 'Identity', 'InstanceNormalization', 'LayerNormalization', 'LeakyRelu', 'Less'),
    *('Log', 'MatMul', 'Max', 'MaxPool', 'Min', 'Mod', 'Mul', 'Neg', 'Not', 'Or', 'PRelu', 'Pad'),
    *('Pow', 'QuantizeLinear', 'Reciprocal', 'ReduceMax', 'ReduceMean', 'ReduceSum', 'Relu'),
    *('Reshape', 'Resize', 'Selu', 'Shape', 'Sigmoid', 'Slice', 'Softmax', 'Softplus'),
    *('SpaceToDepth', 'Split', 'Sqrt', 'Squeeze', 'Sub', 'Sum', 'Tanh', 'Transpose', 'Unsqueeze'),
    'Where',
}
_OPENVINO = {
    *('AdaptiveAvgPool', 'AvgPool', 'BatchNormInference', 'Broadcast', 'Clamp', 'Convert'),
    'Convolution',
    *('ConvolutionBackpropData', 'Divide', 'FakeQuantize', 'GroupConvolution', 'HSwish'),
    *('GroupConvolutionBackpropData', 'Interpolate', 'LogicalAnd', 'LogicalNot', 'LogicalOr'),
    *('MVN', 'Maximum', 'Minimum', 'Multiply', 'Negative', 'Parameter', 'Power', 'Range', 'Result'),
    *('Select', 'ShapeOf', 'StridedSlice', 'Subtract', 'SoftPlus', 'Swish', 'VariadicSplit'),
}


def check_onnx(path: Path) -> bytes:
    """Return the content of an ONNX file whose graph is sound.

    Args:
        path: path of the ONNX file. What it says to lie in other files is not read.

    Raises:
        UserError: the file cannot be read, or its graph is none that this project writes.
    """
    import onnx

    try:
        with open(path, 'rb') as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise ValueError(f'it has more than {LARGEST_FILE >> 20} MiB')
        model = onnx.load_model_from_string(content)
        graph = model.graph
        if any(tensor.external_data for tensor in _tensors(graph)):
            raise ValueError('a part of its weights is said to lie in another file')
        if model.functions or graph.sparse_initializer:
            raise ValueError('it defines functions, or sparse weights')
        _check_names([one.name for one in graph.input], [one.name for one in graph.output])
        kinds = ((f'{node.domain}.' if node.domain else '') + node.op_type for node in graph.node)
        _check_operators(kinds, _OPERATORS)
        output = graph.output[0].type.tensor_type.elem_type
        if graph.input[0].type.tensor_type.elem_type != onnx.TensorProto.UINT8:
            raise ValueError('its images are not uint8')
        if output != onnx.TensorProto.FLOAT:
            raise ValueError('its logits are not float32')
        fixed = [one.dim_value or None for one in graph.input[0].type.tensor_type.shape.dim][2:]
        _check_shapes(lambda sides: _onnx_shapes(model, sides), fixed)
    except OSError as error:
        raise UserError(f'{path}: cannot be read ({error.strerror})') from None
    except Exception as error:  # of protocol buffers and of shapes that do not fit, of many classes
        raise UserError(f'{path}: was not written by tools/export.py ({_line(error)})') from None
    return content


def check_openvino(model: Any, path: Path) -> None:
    """Check a model that OpenVINO has read.

    Args:
        model: model that OpenVINO has read (``openvino.Model``).
        path: path of the model's file, for the message.

    Raises:
        UserError: the graph of the model is none that this project writes.
    """
    try:
        names = [[one.any_name for one in ends] for ends in (model.inputs, model.outputs)]
        _check_names(*names)
        _check_operators((op.get_type_name() for op in model.get_ops()), _OPERATORS | _OPENVINO)
        _check_ranges(op for op in model.get_ops() if op.get_type_name() == 'Range')
        types = [ends[0].element_type.to_string() for ends in (model.inputs, model.outputs)]
        if types != ['u8', 'f32']:
            raise ValueError(f'it makes {types[1]} of {types[0]}, not f32 of u8')
        shape = [*model.inputs[0].partial_shape]
        fixed = [one.get_length() if one.is_static else None for one in shape[2:]]
        _check_shapes(lambda sides: _openvino_shapes(model, sides), fixed)
    except Exception as error:  # OpenVINO has one class for all
        raise UserError(f'{path}: was not written by tools/export.py ({_line(error)})') from None


def _check_names(inputs: Sequence[str], outputs: Sequence[str]) -> None:
    if [*inputs] != [INPUT] or [*outputs] != [OUTPUT]:
        names = ', '.join([*inputs, *outputs][:4])
        raise ValueError(f'it has {names:.100}, not {INPUT} and {OUTPUT}')


def _check_operators(kinds: Iterable[str], allowed: set[str]) -> None:
    for number, kind in enumerate(kinds):
        if kind not in allowed:
            raise ValueError(f'the operator {kind:.60} is not allowed in it')
        if number == MOST_OPERATORS:
            raise ValueError(f'it has more than {MOST_OPERATORS:,} operators')


def _check_ranges(operators: Iterable[Any]) -> None:
    """Refuse an OpenVINO ``Range`` that is none of axes, before a shape makes OpenVINO compute it.

    It grows with its values, not with the shapes that go into it.
    """
    for operator in operators:
        sources = [one.get_source_output().get_node() for one in operator.inputs()]
        if any(one.get_type_name() != 'Constant' for one in sources):
            raise ValueError('a Range in it has bounds that are no constants')
        start, stop, step = (float(one.get_data()) for one in sources)
        if not step or not 0 <= (stop - start) / step <= MOST_AXES:  # nor what is no number
            raise ValueError(
                f'a Range in it, from {start:g} to {stop:g} by {step:g}, gives more than '
                f'{MOST_AXES} numbers'
            )


def _check_shapes(
    shapes_at: Callable[[_Sides], Mapping[str, Sequence[int] | None]],
    fixed: Sequence[int | None],
) -> None:
    """Look at every tensor between the operators, for a small and for a large image.

    A file that is for images of one size (``fixed``) is looked at for those.
    """
    sizes = [(side, side) for side in (_SIDE, _SIDE * _GROWTH)]
    height, width = fixed if len(fixed) == 2 else (None, None)
    if height is not None and width is not None:
        if max(height, width) > _LARGEST_SIDE:
            raise ValueError(f'it is for images of {height}x{width}, more than {_LARGEST_SIDE}')
        sizes = [(height, width)]
    for sides in sizes:
        shapes = shapes_at(sides)
        for name, shape in shapes.items():
            if shape is None:
                raise ValueError(f'the size of {name:.60} depends on more than that of the image')
            if math.prod(shape) > MOST_PER_PIXEL * math.prod(sides):
                raise ValueError(f'{name:.60} is too large: {"x".join(map(str, shape)):.60}')
        if shapes[OUTPUT] is None or [*shapes[OUTPUT]] != [1, 1, *sides]:  # type: ignore[misc]
            size = 'x'.join(map(str, sides))
            raise ValueError(f'its logits are {shapes[OUTPUT]} for an image of {size}')


def _onnx_shapes(model: Any, sides: _Sides) -> dict[str, Sequence[int] | None]:
    from onnxruntime.tools.symbolic_shape_infer import SymbolicShapeInference

    graph = model.graph
    del graph.value_info[:]  # what a file says of its shapes is not asked
    dimensions = graph.input[0].type.tensor_type.shape.dim
    channels = _channels([*dimensions][1].dim_value if len(dimensions) == 4 else None)
    del dimensions[:]
    for size in (1, channels, *sides):
        dimensions.add().dim_value = size
    graph.output[0].type.tensor_type.ClearField('shape')
    # Not by its ``infer_shapes``, which writes a file into the working folder where it fails.
    inference = SymbolicShapeInference(2**31 - 1, True, False, 0)
    inference._preprocess(model)
    while inference.run_:
        inference._infer_impl()
    inference._update_output_from_vi()
    found = inference.out_mp_.graph
    shapes: dict[str, Sequence[int] | None] = {
        name: None for node in graph.node for name in node.output if name
    }
    for value in (*found.value_info, *found.output):
        kind = value.type.tensor_type
        known = kind.HasField('shape') and all(d.HasField('dim_value') for d in kind.shape.dim)
        shapes[value.name] = [d.dim_value for d in kind.shape.dim] if known else None
    return shapes


def _openvino_shapes(model: Any, sides: _Sides) -> dict[str, Sequence[int] | None]:
    fitted = model.clone()
    shape = fitted.inputs[0].partial_shape
    known = len(shape) == 4 and shape[1].is_static
    fitted.reshape([1, _channels(shape[1].get_length() if known else None), *sides])
    shapes: dict[str, Sequence[int] | None] = {}
    for operator in fitted.get_ops():
        if operator.get_type_name() != 'Constant':  # a part of the file, whose size is bounded
            for number, one in enumerate(operator.outputs()):
                shape = [*one.shape] if one.partial_shape.is_static else None
                shapes[f'{operator.get_friendly_name()}.{number}'] = shape
    shapes[OUTPUT] = [*fitted.outputs[0].shape]
    return shapes


def _channels(number: int | None) -> int:
    if number is None or not 1 <= number <= MOST_CHANNELS:
        raise ValueError(f'its images are not of 1 to {MOST_CHANNELS} channels')
    return number


def _tensors(graph: Any) -> Iterable[Any]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)


def _line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__
