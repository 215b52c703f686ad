//! A manifest of data: which files a data folder holds, where each comes from, under what licence, and its hashes.
//!
//! A file is right when its own hash is, or when that of its unpacked contents is: the same text packed by another
//! version of xz or gzip is the same text.
//! What cannot be downloaded in the form that is used here names the step that makes it.
//! No network here: the caller fetches what [`Entry::url`] names.

use std::io::Read;
use std::path::{Path, PathBuf};

use lzma_rust2::XzReader;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use zune_inflate::DeflateDecoder;

use crate::TrainError;
use crate::run::io;

/// The whole manifest.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Kinds of data.
    pub sets: Vec<Set>,
}

/// Files of one kind and one origin.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// Where they lie in the data folder.
    pub folder: PathBuf,
    /// Public places that they come from.
    pub sources: Vec<String>,
    /// Licence as the source states it.
    pub licence: String,
    /// What is done with the sources to get these files.
    pub made_by: String,
    /// The files.
    pub files: Vec<Entry>,
}

/// One file.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name in the set's folder.
    pub name: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// SHA-256 of what is packed in it.
    pub contents_sha256: String,
    /// Where it can be downloaded, if it can.
    pub url: Option<String>,
}

/// What there is in place of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The very file.
    Same,
    /// Another file with the same contents.
    SameContents,
    /// Something else; the hash of its contents, or why they cannot be read.
    Different(String),
    /// Nothing.
    Missing,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// An unreadable file, bad TOML, unknown or missing fields, a hash that is none.
    pub fn load(path: &Path) -> Result<Self, TrainError> {
        let text = std::fs::read_to_string(path).map_err(io("read", path))?;
        let unreadable = |reason: String| TrainError::ManifestUnreadable {
            path: path.to_path_buf(),
            reason,
        };
        let manifest: Self = toml::from_str(&text).map_err(|e| unreadable(e.to_string()))?;
        for entry in manifest.sets.iter().flat_map(|set| &set.files) {
            for hash in [&entry.sha256, &entry.contents_sha256] {
                let is_hash = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
                if !is_hash {
                    let name = &entry.name;
                    return Err(unreadable(format!(
                        "{name}: got the hash {hash:?}, allowed are 64 hexadecimal digits"
                    )));
                }
            }
        }
        Ok(manifest)
    }
}

impl Entry {
    /// Looks at the file of that path.
    ///
    /// # Errors
    /// A file that is there and cannot be read.
    pub fn check(&self, path: &Path) -> Result<State, TrainError> {
        if !path.is_file() {
            return Ok(State::Missing);
        }
        let bytes = std::fs::read(path).map_err(io("read", path))?;
        if hash(&bytes) == self.sha256 {
            return Ok(State::Same);
        }
        Ok(match unpacked(&self.name, &bytes) {
            Err(problem) => State::Different(problem),
            Ok(contents) => match hash(&contents) {
                found if found == self.contents_sha256 => State::SameContents,
                found => State::Different(format!("its contents have the SHA-256 {found}")),
            },
        })
    }
}

/// SHA-256 in hexadecimal digits.
fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is packed in a file, told by its name; the error says what is wrong.
fn unpacked(name: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
    match Path::new(name).extension().and_then(|e| e.to_str()) {
        Some("xz") => {
            let mut contents = Vec::new();
            let read = XzReader::new(bytes, true).read_to_end(&mut contents);
            read.map_err(|e| format!("it cannot be unpacked as xz: {e}"))?;
            Ok(contents)
        }
        Some("gz") => DeflateDecoder::new(bytes)
            .decode_gzip()
            .map_err(|e| format!("it cannot be unpacked as gzip: {:?}", e.error)),
        _ => Ok(bytes.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TemporaryFolder, pack_gzip, pack_xz};

    fn entry(name: &str, packed: &[u8], contents: &[u8]) -> Entry {
        Entry {
            name: name.into(),
            sha256: hash(packed),
            contents_sha256: hash(contents),
            url: None,
        }
    }

    #[test]
    fn files_are_the_same_by_themselves_or_by_what_is_packed_in_them() {
        let folder = TemporaryFolder::new();
        for (name, packed) in [("a.xz", pack_xz(b"text\n")), ("a.gz", pack_gzip(b"text\n"))] {
            let path = folder.path().join(name);
            let check = |entry: &Entry| entry.check(&path).unwrap();
            assert_eq!(check(&entry(name, &packed, b"")), State::Missing);
            std::fs::write(&path, &packed).unwrap();
            assert_eq!(check(&entry(name, &packed, b"")), State::Same);
            assert_eq!(check(&entry(name, b"", b"text\n")), State::SameContents);
            let State::Different(problem) = check(&entry(name, b"", b"other\n")) else {
                panic!("other contents are different");
            };
            assert!(problem.contains(&hash(b"text\n")), "{problem}");
            std::fs::write(&path, b"no archive").unwrap();
            let damaged = check(&entry(name, &packed, b"text\n"));
            assert!(matches!(damaged, State::Different(problem) if problem.contains("unpacked")));
        }
    }

    #[test]
    fn a_manifest_with_a_hash_that_is_none_is_refused_by_name() {
        let folder = TemporaryFolder::new();
        let path = folder.path().join("data.toml");
        let text = |hash: &str| {
            format!(
                "[[sets]]\nfolder = \"text/a\"\nsources = []\nlicence = \"MIT\"\nmade_by = \"hand\"\n\
                 files = [{{ name = \"a.xz\", sha256 = \"{hash}\", contents_sha256 = \"{hash}\" }}]\n"
            )
        };
        std::fs::write(&path, text(&hash(b""))).unwrap();
        assert_eq!(Manifest::load(&path).unwrap().sets[0].files[0].url, None);
        std::fs::write(&path, text("12ab")).unwrap();
        let message = Manifest::load(&path).unwrap_err().to_string();
        assert!(
            message.contains("a.xz") && message.contains("12ab"),
            "{message}"
        );
    }
}
