//! Files in a tar archive (POSIX ustar), in order, borrowed from the archive's bytes.
//!
//! Blocks of 512 bytes: a header (name at 0, size in octal at 124, type at 156, magic at 257, prefix of the name at
//! 345), then the contents; a block of zeros ends the archive. Folders are passed over, anything else is refused.

const BLOCK: usize = 512;

/// A file: its path and contents.
pub type Entry<'a> = (String, &'a [u8]);

/// All files; the error says what is wrong and where.
pub fn files(archive: &[u8]) -> Result<Vec<Entry<'_>>, String> {
    let mut files = Vec::new();
    let mut at = 0;
    loop {
        let header = archive
            .get(at..at + BLOCK)
            .ok_or_else(|| format!("ends at byte {} without the mark of its end", archive.len()))?;
        if header.iter().all(|&byte| byte == 0) {
            return Ok(files);
        }
        let name = name(header).ok_or_else(|| format!("has no ustar header at byte {at}"))?;
        let size = octal(&header[124..136])
            .ok_or_else(|| format!("{name} has a size that is not octal"))?;
        let body = at + BLOCK;
        let contents = body
            .checked_add(size)
            .and_then(|end| archive.get(body..end))
            .ok_or_else(|| format!("ends within {name}"))?;
        match header[156] {
            b'0' | 0 => files.push((name, contents)),
            b'5' => (),
            kind => {
                let kind = char::from(kind);
                return Err(format!(
                    "{name} is of type {kind:?}, read are files and folders"
                ));
            }
        }
        at = body + size.next_multiple_of(BLOCK);
    }
}

fn name(header: &[u8]) -> Option<String> {
    if header.get(257..262) != Some(b"ustar") {
        return None;
    }
    let (prefix, name) = (text(&header[345..500])?, text(&header[..100])?);
    Some(match prefix {
        "" => name.to_owned(),
        prefix => format!("{prefix}/{name}"),
    })
}

/// What stands before the first zero.
fn text(field: &[u8]) -> Option<&str> {
    let end = field.iter().position(|&byte| byte == 0);
    std::str::from_utf8(&field[..end.unwrap_or(field.len())]).ok()
}

fn octal(field: &[u8]) -> Option<usize> {
    usize::from_str_radix(text(field)?.trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::tar;

    #[test]
    fn files_come_in_order_with_their_paths() {
        let long = vec![7; 600];
        let archive = tar(&[
            ("train/cat/0.jpg", b"one"),
            ("train/dog/1.jpg", &long),
            ("empty", b""),
        ]);
        let read = files(&archive).unwrap();
        let expected: [(&str, &[u8]); 3] = [
            ("train/cat/0.jpg", b"one"),
            ("train/dog/1.jpg", &long),
            ("empty", b""),
        ];
        assert_eq!(read.len(), 3);
        for ((name, contents), (expected_name, expected_contents)) in read.iter().zip(expected) {
            assert_eq!(
                (name.as_str(), *contents),
                (expected_name, expected_contents)
            );
        }
    }

    #[test]
    fn damaged_archives_are_refused() {
        let whole = tar(&[("a", &[1; 600])]);
        assert!(files(&whole[..700]).unwrap_err().contains("ends within a"));
        assert!(
            files(&whole[..1536])
                .unwrap_err()
                .contains("without the mark")
        );
        assert!(
            files(&[1; 512])
                .unwrap_err()
                .contains("no ustar header at byte 0")
        );
        let mut linked = whole.clone();
        linked[156] = b'2';
        assert!(files(&linked).unwrap_err().contains("type '2'"));
        let mut endless = whole;
        endless[124..136].copy_from_slice(b"zz          ");
        assert!(files(&endless).unwrap_err().contains("not octal"));
    }
}
