//! The messages of the ONNX format that a network of convolutions needs (field numbers: `onnx.proto`), as Protocol Buffers write
//! them: a field is its number and its kind, then a number of as many bytes as it takes, or a length and so many bytes. A field
//! that comes again and again is a list.

/// `TensorProto.DataType`: how values are stored.
#[derive(Clone, Copy)]
pub enum DataType {
    /// 32-bit floats.
    Float = 1,
    /// Bytes.
    Uint8 = 2,
    /// Shapes.
    Int64 = 7,
}

/// A message on its way.
#[derive(Default)]
pub struct Message(Vec<u8>);

impl Message {
    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(mut self, field: u64, value: i64) -> Self {
        self.varint(field << 3);
        self.varint(value as u64);
        self
    }

    fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    fn message(self, field: u64, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }

    fn numbers(self, field: u64, values: &[i64]) -> Self {
        values.iter().fold(self, |message, &value| message.number(field, value))
    }

    fn texts(self, field: u64, texts: &[&str]) -> Self {
        texts.iter().fold(self, |message, text| message.text(field, text))
    }

    fn messages(self, field: u64, messages: &[Self]) -> Self {
        messages.iter().fold(self, |message, of| message.message(field, of))
    }

    /// What it is in a file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// `ModelProto`: the whole file, of the operators of ONNX itself.
pub fn model(
    [ir_version, opset]: [i64; 2],
    [producer, version, doc]: [&str; 3],
    graph: &Message,
    metadata: &[(&str, String)],
) -> Message {
    let operators = Message::default().number(2, opset); // OperatorSetIdProto: version
    let entry = |(key, value): &(&str, String)| Message::default().text(1, key).text(2, value); // StringStringEntryProto
    let metadata: Vec<Message> = metadata.iter().map(entry).collect();
    Message::default()
        .number(1, ir_version)
        .text(2, producer)
        .text(3, version)
        .text(6, doc)
        .message(7, graph)
        .message(8, &operators)
        .messages(14, &metadata)
}

/// `GraphProto`.
pub fn graph(name: &str, nodes: &[Message], constants: &[Message], input: &Message, output: &Message) -> Message {
    Message::default().messages(1, nodes).text(2, name).messages(5, constants).message(11, input).message(12, output)
}

/// `NodeProto`: an operator, with one output of its own name.
pub fn node(name: &str, operator: &str, inputs: &[&str], attributes: &[Message]) -> Message {
    Message::default().texts(1, inputs).text(2, name).text(3, name).text(4, operator).messages(5, attributes)
}

/// `AttributeProto` of one whole number.
pub fn int(name: &str, value: i64) -> Message {
    Message::default().text(1, name).number(3, value).number(20, 2)
}

/// `AttributeProto` of a list of them.
pub fn ints(name: &str, values: &[i64]) -> Message {
    Message::default().text(1, name).numbers(8, values).number(20, 7)
}

/// `TensorProto`: values by their bytes, row-major, the lowest byte first.
pub fn tensor(name: &str, data_type: DataType, shape: &[usize], bytes: &[u8]) -> Message {
    let shape: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
    Message::default().numbers(1, &shape).number(2, data_type as i64).text(8, name).bytes(9, bytes)
}

/// `ValueInfoProto`: an input or an output, a batch of any size of `shape`.
pub fn value(name: &str, data_type: DataType, shape: &[usize], doc: &str) -> Message {
    let batch = Message::default().text(2, "batch"); // TensorShapeProto.Dimension: a name, or below a number
    let fixed = shape.iter().map(|&n| Message::default().number(1, n as i64));
    let dimensions: Vec<Message> = std::iter::once(batch).chain(fixed).collect();
    let shape = Message::default().messages(1, &dimensions); // TensorShapeProto
    let tensor = Message::default().number(1, data_type as i64).message(2, &shape); // TypeProto.Tensor
    let kind = Message::default().message(1, &tensor); // TypeProto
    Message::default().text(1, name).message(2, &kind).text(3, doc)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the format's own description, 150 in field 1 and "testing" in field 2; a negative number; the first number
    /// of two bytes.
    #[test]
    fn fields_are_written_as_protocol_buffers_are() {
        let message = Message::default().number(1, 150).text(2, "testing").number(3, -1).number(4, 128);
        let expected =
            [&[0x08, 0x96, 0x01, 0x12, 0x07], b"testing".as_slice(), &[0x18], &[0xff; 9], &[0x01], &[0x20, 0x80, 0x01]]
                .concat();
        assert_eq!(message.into_bytes(), expected);
    }
}
