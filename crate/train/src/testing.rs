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

/// Bytes in a gzip wrapper (RFC 1952), in stored blocks: nothing is made smaller.
pub fn pack_gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let blocks: Vec<&[u8]> = match bytes.is_empty() {
        true => vec![bytes],
        false => bytes.chunks(65_535).collect(),
    };
    for (i, block) in blocks.iter().enumerate() {
        let len = block.len() as u16;
        packed.push(u8::from(i + 1 == blocks.len()));
        packed.extend(len.to_le_bytes());
        packed.extend((!len).to_le_bytes());
        packed.extend(*block);
    }
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    packed.extend((!crc).to_le_bytes());
    packed.extend((bytes.len() as u32).to_le_bytes());
    packed
}

/// An IDX file of bytes.
pub fn idx(dims: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dims.len() as u8];
    bytes.extend(dims.iter().flat_map(|dim| dim.to_be_bytes()));
    bytes.extend(values);
    bytes
}

/// Writes `n` images of 28 x 28, each of one grey of its own, with the labels 0 to 9 in turns.
pub fn write_mnist(root: &Path, set: &str, part: &str, n: u32) {
    let folder = root.join(set);
    std::fs::create_dir_all(&folder).unwrap();
    let greys: Vec<u8> = (0..n)
        .flat_map(|i| vec![(i % 255) as u8 + 1; 28 * 28])
        .collect();
    let labels: Vec<u8> = (0..n).map(|i| (i % 10) as u8).collect();
    let write = |what: &str, bytes: Vec<u8>| {
        std::fs::write(
            folder.join(format!("{part}-{what}-ubyte.gz")),
            pack_gzip(&bytes),
        )
        .unwrap();
    };
    write("images-idx3", idx(&[n, 28, 28], &greys));
    write("labels-idx1", idx(&[n], &labels));
}

/// A ustar archive of files.
pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, contents) in files {
        let mut header = vec![0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        let size = format!("{:011o}", contents.len());
        header[124..124 + size.len()].copy_from_slice(size.as_bytes());
        header[156] = b'0';
        header[257..262].copy_from_slice(b"ustar");
        archive.extend(header);
        archive.extend(*contents);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
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
