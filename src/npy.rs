//! NumPy's `.npy` files: read bytes, write bytes and 32-bit floats.
//!
//! A file is the magic `\x93NUMPY`, a version, the length of a header, the header (a Python dictionary as text, padded so that the
//! data starts at a multiple of 64), and the values in C order (last axis fastest) or Fortran order (first axis fastest). Only what
//! images and scores need is taken: `uint8` and `bool` arrays, by whichever writer. Everything else is an error that says what was
//! found and what to do, and nothing a header claims is believed before it is compared with the bytes at hand.

use thiserror::Error;

use crate::sniff::{Mistaken, mistaken};

const MAGIC: &[u8] = b"\x93NUMPY";
const ALIGNMENT: usize = 64;
/// `numpy.save` leaves room for the first axis to grow to this many digits without moving the data.
const GROWTH_DIGITS: usize = 21;
/// What may stand before a type; of a byte it says nothing.
const ENDIANNESS: [char; 4] = ['|', '<', '>', '='];
/// The names that NumPy takes for a byte and for a truth value.
const BYTES: [&str; 6] = ["u1", "uint8", "B", "b1", "bool", "?"];
/// NumPy's own limit on axes; a longer shape cannot come from it.
const MAX_AXES: usize = 64;

/// An array of bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct ByteArray {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Values in C order, whatever the order in the file; those of a `bool` array are 0 and 1.
    pub data: Vec<u8>,
}

/// Why bytes are not an `.npy` array this crate reads.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NpyError {
    /// Not an `.npy` file at all.
    #[error("not an .npy file: its first bytes are {found:02x?}, 93 'NUMPY' expected")]
    Magic {
        /// At most the first six bytes.
        found: Vec<u8>,
    },
    /// Another kind of file.
    #[error("{0}, an .npy file expected")]
    Mistaken(Mistaken),
    /// A version of the format that is not known.
    #[error(".npy version {major}.{minor} found, 1.0 or 2.0 expected")]
    Version {
        /// Major version.
        major: u8,
        /// Minor version.
        minor: u8,
    },
    /// The file ends inside its header.
    #[error(".npy header cut short: {found} bytes found, {expected} expected")]
    HeaderLength {
        /// Bytes in the file.
        found: usize,
        /// Bytes up to the end of the header.
        expected: usize,
    },
    /// The header is not the dictionary it should be.
    #[error(".npy header: {found:?} found, {expected} expected")]
    Header {
        /// The text at the place of the error, shortened.
        found: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// An element type other than bytes.
    #[error(".npy dtype {found:?} found, 'u1' (uint8) or 'b1' (bool) expected; {}", remedy(.found))]
    Dtype {
        /// The type string of the file.
        found: String,
    },
    /// Fewer or more values than the shape needs.
    #[error(".npy data: {found} bytes found, shape {shape:?} needs {expected}")]
    DataLength {
        /// Bytes after the header.
        found: usize,
        /// Product of the shape, saturated where it does not fit a machine word.
        expected: usize,
        /// The shape of the header.
        shape: Vec<usize>,
    },
}

/// What to do with an array of another type, in NumPy's words.
fn remedy(dtype: &str) -> &'static str {
    match dtype.trim_start_matches(ENDIANNESS).chars().next() {
        Some('f' | 'd' | 'e' | 'g') => {
            "save levels: for brightness from 0 to 1 numpy.save(file, (array * 255).round().astype('uint8'))"
        }
        Some('i' | 'u' | 'b' | 'h' | 'l' | 'q') => "save it with numpy.save(file, array.astype('uint8'))",
        _ => "save one array of numbers, as numpy.save(file, array.astype('uint8')) does",
    }
}

/// What the header of a `uint8` or `bool` array says.
#[derive(Debug, PartialEq, Eq)]
pub struct ByteHeader {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Whether the first axis is the fastest.
    pub fortran_order: bool,
    /// Where the values begin.
    pub start: usize,
}

/// Whether bytes are those of an `.npy` file, by the first of them.
pub fn is_npy(file: &[u8]) -> bool {
    file.starts_with(MAGIC)
}

/// Reads the header of a whole file, which may be a map of it.
///
/// # Errors
/// As [`read_u8`].
pub fn read_header_u8(file: &[u8]) -> Result<ByteHeader, NpyError> {
    if !is_npy(file) {
        if let Some(found) = mistaken(file) {
            return Err(NpyError::Mistaken(found));
        }
        return Err(NpyError::Magic { found: file.iter().take(MAGIC.len()).copied().collect() });
    }
    let cut_short = |expected| NpyError::HeaderLength { found: file.len(), expected };
    let version = file.get(6..8).ok_or(cut_short(8))?;
    // The length of the header has two bytes in version 1, four in version 2.
    let (start, length) = match version {
        [1, 0] => (10, file.get(8..10).map(|b| usize::from(b[0]) | usize::from(b[1]) << 8)),
        [2, 0] => (12, file.get(8..12).map(|b| b.iter().rev().fold(0, |n, &byte| n << 8 | usize::from(byte)))),
        _ => return Err(NpyError::Version { major: version[0], minor: version[1] }),
    };
    let end = length.ok_or(cut_short(start))?.saturating_add(start);
    let text = file.get(start..end).ok_or(cut_short(end))?;
    let (shape, fortran_order) = Header::read(text)?;
    let found = file.len() - end;
    let expected = shape.iter().fold(1, |product: usize, &n| product.saturating_mul(n));
    if found != expected {
        return Err(NpyError::DataLength { found, expected, shape });
    }
    Ok(ByteHeader { shape, fortran_order, start: end })
}

/// Reads a `uint8` or `bool` array of any number of axes.
///
/// # Errors
/// When the bytes are anything else, or more or fewer than the header says; see [`NpyError`].
pub fn read_u8(file: &[u8]) -> Result<ByteArray, NpyError> {
    let ByteHeader { shape, fortran_order, start } = read_header_u8(file)?;
    let data = &file[start..];
    let data = if fortran_order { to_c_order(data, &shape) } else { data.to_vec() };
    Ok(ByteArray { shape, data })
}

/// Values stored first axis fastest, put last axis fastest.
fn to_c_order(data: &[u8], shape: &[usize]) -> Vec<u8> {
    // Distance in the file between neighbours along each axis. An empty array may have axes too long to multiply.
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride: usize = 1;
    for &length in shape {
        strides.push(stride);
        stride = stride.saturating_mul(length);
    }
    let mut index = vec![0; shape.len()];
    let mut from = 0;
    let mut values = Vec::with_capacity(data.len());
    for _ in 0..data.len() {
        values.push(data[from]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            from += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            from -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    values
}

/// The file `numpy.save` writes for a `uint8` array of this shape.
///
/// # Panics
/// When `data` does not fill the shape.
pub fn write_u8(shape: &[usize], data: &[u8]) -> Vec<u8> {
    assert_eq!(data.len(), shape.iter().product::<usize>(), "values do not fill shape {shape:?}");
    [&header_u8(shape), data].concat()
}

/// The file `numpy.save` writes for a little-endian `float32` array of this shape.
///
/// # Panics
/// When `data` does not fill the shape.
pub fn write_f32(shape: &[usize], data: &[f32]) -> Vec<u8> {
    assert_eq!(data.len(), shape.iter().product::<usize>(), "values do not fill shape {shape:?}");
    [header_f32(shape), bytes_f32(data)].concat()
}

/// What stands before the values of a `uint8` array, for those that are written as they come.
pub fn header_u8(shape: &[usize]) -> Vec<u8> {
    header("|u1", shape)
}

/// What stands before the values of a little-endian `float32` array.
pub fn header_f32(shape: &[usize]) -> Vec<u8> {
    header("<f4", shape)
}

/// Values of a little-endian `float32` array.
pub fn bytes_f32(data: &[f32]) -> Vec<u8> {
    data.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Magic, version and header.
fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let (tuple, growth) = match axes.as_slice() {
        [] => ("()".to_string(), 0),
        [only] => (format!("({only},)"), GROWTH_DIGITS - only.len()),
        [first, ..] => (format!("({})", axes.join(", ")), GROWTH_DIGITS - first.len()),
    };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {tuple}, }}{:growth$}", "");
    // Like NumPy, a header that happens to end on the boundary (counting its newline) gets a whole block of padding.
    let before = MAGIC.len() + 4 + header.len() + 1;
    header.push_str(&" ".repeat(ALIGNMENT - before % ALIGNMENT));
    header.push('\n');
    let length = u16::try_from(header.len()).expect("the header of 64 axes fits 16 bits");
    [MAGIC, &[1, 0], &length.to_le_bytes(), header.as_bytes()].concat()
}

/// Reads the dictionary of a header: three known keys, each with one kind of value.
struct Header<'a> {
    rest: &'a str,
}

impl<'a> Header<'a> {
    /// The shape and whether the first axis is the fastest, once the type is found to be one this crate reads.
    fn read(text: &'a [u8]) -> Result<(Vec<usize>, bool), NpyError> {
        let Ok(rest) = std::str::from_utf8(text) else {
            let found = String::from_utf8_lossy(&text[..text.len().min(40)]).into_owned();
            return Err(NpyError::Header { found, expected: "ASCII text" });
        };
        let mut header = Header { rest };
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        header.expect("{", "'{'")?;
        while !header.take("}") {
            let key = header.string("a key in quotes")?;
            header.expect(":", "':'")?;
            match key {
                "descr" => descr = Some(header.string("a plain dtype in quotes")?),
                "fortran_order" => fortran_order = Some(header.boolean()?),
                "shape" => shape = Some(header.tuple()?),
                _ => return Err(header.error(key, "'descr', 'fortran_order' or 'shape'")),
            }
            // Only the last pair may do without a comma; the loop sees the brace after it.
            if !header.take(",") && !header.rest.trim_start().starts_with('}') {
                return Err(header.error(header.rest, "',' or '}'"));
            }
        }
        if !header.rest.trim().is_empty() {
            return Err(header.error(header.rest, "nothing after the dictionary"));
        }
        let missing = |expected| NpyError::Header { found: "}".to_string(), expected };
        let descr = descr.ok_or(missing("a 'descr' key"))?;
        if !BYTES.contains(&descr.strip_prefix(ENDIANNESS).unwrap_or(descr)) {
            return Err(NpyError::Dtype { found: descr.chars().take(40).collect() });
        }
        let fortran_order = fortran_order.ok_or(missing("a 'fortran_order' key"))?;
        Ok((shape.ok_or(missing("a 'shape' key"))?, fortran_order))
    }

    fn error(&self, found: &str, expected: &'static str) -> NpyError {
        NpyError::Header { found: found.chars().take(40).collect(), expected }
    }

    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start();
        self.rest = rest.strip_prefix(token).unwrap_or(rest);
        self.rest.len() != rest.len()
    }

    fn expect(&mut self, token: &str, expected: &'static str) -> Result<(), NpyError> {
        if self.take(token) { Ok(()) } else { Err(self.error(self.rest, expected)) }
    }

    fn string(&mut self, expected: &'static str) -> Result<&'a str, NpyError> {
        let rest = self.rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let inside = quote.and_then(|quote| rest[1..].split_once(quote));
        let (string, after) = inside.ok_or_else(|| self.error(rest, expected))?;
        self.rest = after;
        Ok(string)
    }

    fn boolean(&mut self) -> Result<bool, NpyError> {
        if self.take("True") {
            return Ok(true);
        }
        self.expect("False", "True or False").map(|()| false)
    }

    fn tuple(&mut self) -> Result<Vec<usize>, NpyError> {
        let mut axes = Vec::new();
        self.expect("(", "a shape, '('")?;
        while !self.take(")") {
            let rest = self.rest.trim_start();
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let axis = rest[..digits].parse().map_err(|_| self.error(rest, "the length of an axis"))?;
            if axes.len() == MAX_AXES {
                return Err(self.error(rest, "at most 64 axes"));
            }
            axes.push(axis);
            // Python 2 wrote an L behind a long number.
            self.rest = rest[digits..].strip_prefix('L').unwrap_or(&rest[digits..]);
            if !self.take(",") && !self.rest.starts_with(')') {
                return Err(self.error(self.rest, "',' or ')'"));
            }
        }
        Ok(axes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A version 1.0 file with this header and these values, without any padding.
    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        [MAGIC, &[1, 0], &length, header.as_bytes(), data].concat()
    }

    #[test]
    fn what_is_written_is_what_numpy_save_writes() {
        // numpy.save(f, numpy.arange(6, dtype="u1").reshape(2, 3)) with NumPy 2.
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }}{:58}\n", "");
        let expected = [b"\x93NUMPY\x01\x00v\x00", header.as_bytes(), &[0, 1, 2, 3, 4, 5]].concat();
        assert_eq!(write_u8(&[2, 3], &[0, 1, 2, 3, 4, 5]), expected);
        // numpy.save(f, numpy.array([1.0, -0.5], dtype="<f4"))
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }}{:60}\n", "");
        let expected = [b"\x93NUMPY\x01\x00v\x00", header.as_bytes(), &[0, 0, 128, 63, 0, 0, 0, 191]].concat();
        assert_eq!(write_f32(&[2], &[1.0, -0.5]), expected);
    }

    #[test]
    fn data_starts_at_a_multiple_of_64_for_any_shape() {
        for axes in 0..=40 {
            let written = write_u8(&vec![1; axes], &[9]);
            assert_eq!((written.len() - 1) % ALIGNMENT, 0, "{axes} axes");
            assert_eq!(read_u8(&written).unwrap(), ByteArray { shape: vec![1; axes], data: vec![9] });
        }
    }

    #[test]
    fn bool_arrays_and_version_2_are_read() {
        let header = "{\"shape\": (2,1,), 'descr':'|b1','fortran_order' : False}\n";
        let length = u32::try_from(header.len()).unwrap().to_le_bytes();
        let version_2 = [MAGIC, &[2, 0], &length, header.as_bytes(), &[0, 1]].concat();
        for bytes in [file(header, &[0, 1]), version_2] {
            assert_eq!(read_u8(&bytes).unwrap(), ByteArray { shape: vec![2, 1], data: vec![0, 1] });
        }
    }

    #[test]
    fn every_way_to_write_a_byte_is_read() {
        for descr in ["|u1", "<u1", ">u1", "=u1", "u1", "<b1", "|b1", "b1", "uint8", "bool", "?", "B"] {
            for shape in ["(2, 1)", "(2L, 1L)", "(2L,1L,)", "( 2 , 1 )"] {
                let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
                let array = read_u8(&file(&header, &[0, 1])).unwrap();
                assert_eq!(array, ByteArray { shape: vec![2, 1], data: vec![0, 1] }, "{descr} {shape}");
            }
        }
    }

    #[test]
    fn fortran_order_is_read_as_the_array_it_stands_for() {
        // numpy.save(f, numpy.asfortranarray(numpy.arange(12, dtype="u1").reshape(2, 3, 2)))
        let stored = [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11];
        let bytes = file("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2), }\n", &stored);
        assert_eq!(read_u8(&bytes).unwrap(), ByteArray { shape: vec![2, 3, 2], data: (0..12).collect() });
        let empty = "{'descr': '|u1', 'fortran_order': True, 'shape': (4294967296, 4294967296, 4294967296, 0)}";
        assert_eq!(read_u8(&file(empty, &[])).unwrap().data, [0u8; 0]);
    }

    #[test]
    fn every_cut_of_a_file_is_an_error() {
        let whole = write_u8(&[3, 2], &[1; 6]);
        for length in 0..whole.len() {
            assert!(read_u8(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
        let longer = read_u8(&[whole, vec![1]].concat()).unwrap_err().to_string();
        assert_eq!(longer, ".npy data: 7 bytes found, shape [3, 2] needs 6");
    }

    #[test]
    fn what_is_not_read_is_named() {
        let with = |descr: &str, order: &str, shape: &str| {
            file(&format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"), &[])
        };
        let found = |bytes: Vec<u8>| read_u8(&bytes).unwrap_err().to_string();
        for (bytes, message) in [
            (b"text".to_vec(), "first bytes are [74, 65, 78, 74]"),
            (b"\x89PNG".to_vec(), "a PNG picture found (give the file that was asked for), an .npy file expected"),
            ([MAGIC, &[3, 0]].concat(), "version 3.0 found"),
            ([MAGIC, &[2, 0], &[255; 4]].concat(), "header cut short: 12 bytes found"),
            (
                with("'<f4'", "False", "(1,)"),
                "dtype \"<f4\" found, 'u1' (uint8) or 'b1' (bool) expected; save levels: ",
            ),
            (
                with("'<i8'", "False", "(1,)"),
                "dtype \"<i8\" found, 'u1' (uint8) or 'b1' (bool) expected; save it with ",
            ),
            (with("'|O'", "False", "(1,)"), "expected; save one array of numbers"),
            (with("'<u1>'", "False", "(1,)"), "dtype \"<u1>\" found"),
            (with("'|u1'", "False", "(1LL,)"), "',' or ')' expected"),
            (with("[('a', '|u1')]", "False", "(1,)"), "a plain dtype in quotes expected"),
            (with("'|u1'", "False", "(-1,)"), "\"-1,), }\" found, the length of an axis expected"),
            (with("'|u1'", "False", "(99999999999999999999999,)"), "the length of an axis expected"),
            (with("'|u1'", "False", "(4294967296, 4294967296, 4294967296)"), "0 bytes found"),
            (with("'|u1'", "False", &format!("({})", "1,".repeat(65))), "at most 64 axes expected"),
            (file("{'descr': '|u1', 'shape': (1,)}", &[1]), "a 'fortran_order' key expected"),
            (file("{'descr': '|u1' 'shape'", &[]), "',' or '}' expected"),
            (file("{} import os", &[]), "nothing after the dictionary expected"),
        ] {
            assert!(found(bytes.clone()).contains(message), "{:?} lacks {message:?}", found(bytes));
        }
    }
}
