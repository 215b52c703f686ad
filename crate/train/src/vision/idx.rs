//! The IDX format of MNIST, packed with gzip.
//!
//! Two zero bytes, a type (8 for unsigned bytes, the only one read), the number of dimensions,
//! each dimension as a big-endian u32, then the values row by row.

use zune_inflate::DeflateDecoder;

/// An array of bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Idx {
    /// Its dimensions.
    pub dims: Vec<usize>,
    /// Its values.
    pub values: Vec<u8>,
}

/// Unpacks and reads a file; the error says what is wrong.
pub fn read_idx(packed: &[u8]) -> Result<Idx, String> {
    let bytes = DeflateDecoder::new(packed)
        .decode_gzip()
        .map_err(|error| format!("cannot be unpacked as gzip: {:?}", error.error))?;
    let (magic, rest) = bytes.split_at_checked(4).ok_or("has no IDX header")?;
    let &[0, 0, kind, n_dims] = magic else {
        return Err(format!("begins with {magic:?}, an IDX file with two zeros"));
    };
    if kind != 8 {
        return Err(format!("holds IDX type {kind}, read is 8 (unsigned bytes)"));
    }
    let (header, values) = rest
        .split_at_checked(4 * usize::from(n_dims))
        .ok_or("ends within the IDX header")?;
    let dims: Vec<usize> = header
        .chunks_exact(4)
        .map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize)
        .collect();
    let expected = dims.iter().try_fold(1_usize, |n, &dim| n.checked_mul(dim));
    if expected != Some(values.len()) {
        return Err(format!(
            "has {} values, its header says {dims:?}",
            values.len()
        ));
    }
    Ok(Idx {
        dims,
        values: values.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{idx, pack_gzip};

    #[test]
    fn dimensions_and_values_are_read() {
        let packed = pack_gzip(&idx(&[2, 1, 3], &[1, 2, 3, 4, 5, 255]));
        let read = read_idx(&packed).unwrap();
        assert_eq!(read.dims, [2, 1, 3]);
        assert_eq!(read.values, [1, 2, 3, 4, 5, 255]);
    }

    #[test]
    fn damaged_files_are_refused_with_the_reason() {
        let whole = pack_gzip(&idx(&[4], &[1, 2, 3, 4]));
        for cut in [0, 5, whole.len() - 1] {
            assert!(read_idx(&whole[..cut]).is_err(), "cut at {cut}");
        }
        let cases: [(&[u8], &str); 5] = [
            (&[0, 0, 8], "no IDX header"),
            (&[1, 0, 8, 1], "two zeros"),
            (&[0, 0, 13, 1, 0, 0, 0, 0], "type 13"),
            (&[0, 0, 8, 3, 0, 0, 0, 1], "within the IDX header"),
            (
                &[0, 0, 8, 1, 0, 0, 0, 5, 1, 2],
                "has 2 values, its header says [5]",
            ),
        ];
        for (bytes, reason) in cases {
            let error = read_idx(&pack_gzip(bytes)).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
