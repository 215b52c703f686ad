//! Finds the training text and reads its documents.
//!
//! A data folder holds `text/<domain>/{train,valid,test}.txt.xz`: UTF-8, packed with xz,
//! documents separated by a line that holds only `<|doc|>`, one newline at the end.
//! Nothing is downloaded here, and nothing is written.

use std::ffi::OsString;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use lzma_rust2::XzReader;

use crate::TrainError;

/// Environment variable that names the data folder when no option does.
pub const DATA_VARIABLE: &str = "MOESCOPE_DATA";

/// What a data folder holds and where its text comes from, for error messages.
pub const DATA_LAYOUT: &str = "The folder holds text/<domain>/{train,valid,test}.txt.xz, \
    documents separated by a line <|doc|>. \
    Sources and licences are listed in the card of each model under models/: \
    tales are public-domain children's books from the GITenberg repositories on GitHub, \
    french is novels from COST-ELTeC/ELTeC-fra, python is the standard library of CPython 3.11, \
    math is generated with the Python package mathematics_dataset.";

const SEPARATOR: &str = "\n<|doc|>\n";

/// Which part of a domain's documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Split {
    /// What the model learns from.
    Train,
    /// Watched while training.
    Valid,
    /// Looked at once, for the model card.
    Test,
}

impl Split {
    /// All three, in order.
    pub const ALL: [Self; 3] = [Self::Train, Self::Valid, Self::Test];

    /// Its name in file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A folder with training text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFolder {
    root: PathBuf,
}

impl DataFolder {
    /// The folder given as an option, or else the one `MOESCOPE_DATA` names.
    ///
    /// # Errors
    /// Neither is given, or the folder has no `text` folder.
    pub fn find(option: Option<&Path>) -> Result<Self, TrainError> {
        Self::choose(option, std::env::var_os(DATA_VARIABLE))
    }

    /// This folder.
    ///
    /// # Errors
    /// It has no `text` folder.
    pub fn at(root: PathBuf) -> Result<Self, TrainError> {
        let text = root.join("text");
        if !text.is_dir() {
            return Err(TrainError::DataMissing {
                path: text,
                layout: DATA_LAYOUT,
            });
        }
        Ok(Self { root })
    }

    fn choose(option: Option<&Path>, variable: Option<OsString>) -> Result<Self, TrainError> {
        let variable = variable
            .filter(|value| !value.is_empty())
            .map(PathBuf::from);
        match option.map(Path::to_path_buf).or(variable) {
            Some(root) => Self::at(root),
            None => Err(TrainError::DataNotSet {
                variable: DATA_VARIABLE,
                layout: DATA_LAYOUT,
            }),
        }
    }

    /// Where one split of one domain is.
    pub fn path(&self, domain: &str, split: Split) -> PathBuf {
        self.root
            .join("text")
            .join(domain)
            .join(format!("{split}.txt.xz"))
    }

    /// The packed bytes of one split, as they are in the file.
    ///
    /// # Errors
    /// A missing or unreadable file.
    pub fn packed(&self, domain: &str, split: Split) -> Result<Vec<u8>, TrainError> {
        let path = self.path(domain, split);
        if !path.is_file() {
            return Err(TrainError::DataMissing {
                path,
                layout: DATA_LAYOUT,
            });
        }
        std::fs::read(&path).map_err(|source| TrainError::Io {
            action: "read",
            path,
            source,
        })
    }

    /// The documents of one split, in the order of the file.
    ///
    /// # Errors
    /// A missing or unreadable file, damaged packing, text that is not UTF-8, an empty document.
    pub fn documents(&self, domain: &str, split: Split) -> Result<Vec<String>, TrainError> {
        let packed = self.packed(domain, split)?;
        unpack_documents(&packed).map_err(|problem| TrainError::DataInvalid {
            path: self.path(domain, split),
            problem,
        })
    }
}

/// Unpacks xz and cuts the text into documents; the error says what is wrong.
pub(crate) fn unpack_documents(packed: &[u8]) -> Result<Vec<String>, String> {
    let mut text = String::new();
    XzReader::new(packed, true)
        .read_to_string(&mut text)
        .map_err(|error| format!("cannot be unpacked as xz-packed UTF-8: {error}"))?;
    let body = text
        .strip_suffix('\n')
        .ok_or("does not end with a newline")?;
    let documents: Vec<String> = body.split(SEPARATOR).map(str::to_owned).collect();
    match documents.iter().position(String::is_empty) {
        Some(index) => Err(format!("document {index} of {} is empty", documents.len())),
        None => Ok(documents),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TemporaryFolder, pack_xz, write_split};

    #[test]
    fn documents_are_what_stands_between_separator_lines() {
        let folder = TemporaryFolder::new();
        write_split(
            folder.path(),
            "tales",
            "train",
            "one\n\n\nstill one\n<|doc|>\nd\u{e9}j\u{e0}\n<|doc|>\nlast\n",
        );
        let data = DataFolder::at(folder.path().to_path_buf()).unwrap();
        let documents = data.documents("tales", Split::Train).unwrap();
        assert_eq!(documents, ["one\n\n\nstill one", "d\u{e9}j\u{e0}", "last"]);
    }

    #[test]
    fn without_a_folder_the_message_says_what_to_set_and_where_text_comes_from() {
        let message = DataFolder::choose(None, None).unwrap_err().to_string();
        for part in [
            "--data DIR",
            "MOESCOPE_DATA",
            "text/<domain>/{train,valid,test}.txt.xz",
            "public-domain",
        ] {
            assert!(message.contains(part), "{message}");
        }
        assert!(DataFolder::choose(None, Some(OsString::new())).is_err());
    }

    #[test]
    fn an_option_goes_before_the_environment() {
        let (given, variable) = (TemporaryFolder::new(), TemporaryFolder::new());
        write_split(given.path(), "tales", "train", "a\n");
        write_split(variable.path(), "tales", "train", "a\n");
        let of = |option| {
            DataFolder::choose(option, Some(variable.path().into()))
                .unwrap()
                .root
        };
        assert_eq!(of(Some(given.path())), given.path());
        assert_eq!(of(None), variable.path());
    }

    #[test]
    fn a_missing_file_is_named() {
        let folder = TemporaryFolder::new();
        let no_text = DataFolder::at(folder.path().to_path_buf())
            .unwrap_err()
            .to_string();
        assert!(
            no_text.contains(&folder.path().join("text").display().to_string()),
            "{no_text}"
        );
        write_split(folder.path(), "tales", "train", "a\n");
        let data = DataFolder::at(folder.path().to_path_buf()).unwrap();
        let message = data
            .documents("french", Split::Valid)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("french/valid.txt.xz does not exist"),
            "{message}"
        );
    }

    #[test]
    fn damaged_text_is_refused() {
        let whole = pack_xz(b"some text that is long enough to pack\n");
        assert!(unpack_documents(&whole).is_ok());
        for cut in [0, 10, whole.len() - 1] {
            assert!(unpack_documents(&whole[..cut]).is_err(), "cut at {cut}");
        }
        assert!(
            unpack_documents(&pack_xz(b"\xff\xfe\n"))
                .unwrap_err()
                .contains("UTF-8")
        );
        assert!(
            unpack_documents(&pack_xz(b"no newline"))
                .unwrap_err()
                .contains("newline")
        );
        let empty = unpack_documents(&pack_xz(b"a\n<|doc|>\n\n<|doc|>\nb\n"));
        assert_eq!(empty.unwrap_err(), "document 1 of 3 is empty");
    }
}
