//! What the unit tests of several modules share: temporary folders and packed text files.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use lzma_rust2::{XzOptions, XzWriter};

/// A new empty folder, removed when dropped.
pub struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Makes it in the system's place for temporary files.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("moescope-train-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Bytes packed with xz.
pub fn pack_xz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// Writes one split of one domain into a data folder.
pub fn write_split(root: &Path, domain: &str, split: &str, text: &str) {
    let folder = root.join("text").join(domain);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join(format!("{split}.txt.xz")),
        pack_xz(text.as_bytes()),
    )
    .unwrap();
}
