//! A stream of tokens: in memory, or a cache file mapped into it, so that long streams cost no start and no copy.

use std::fmt;
use std::fs::File;
use std::ops::Deref;
use std::sync::Arc;

use memmap2::Mmap;

/// Tokens that read as a slice, wherever they are.
#[derive(Clone)]
pub struct Tokens(Storage);

#[derive(Clone)]
enum Storage {
    Owned(Vec<u16>),
    /// A map of whole little-endian tokens after `header` bytes.
    Mapped {
        map: Arc<Mmap>,
        header: usize,
    },
}

impl Tokens {
    /// Maps a file of `header` bytes, an even number, and then tokens as little-endian u16.
    ///
    /// # Errors
    /// The system's reason, or an odd number of bytes.
    pub fn map(file: &File, header: usize) -> std::io::Result<Self> {
        // SAFETY: cache files are written under another name, renamed when whole, and never written again.
        let map = unsafe { Mmap::map(file)? };
        let odd = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what);
        let body = map
            .get(header..)
            .ok_or_else(|| odd("shorter than its header"))?;
        let tokens: &[u16] = bytemuck::try_cast_slice(body)
            .map_err(|_| odd("the tokens are no whole 16-bit numbers"))?;
        if cfg!(target_endian = "big") {
            return Ok(tokens.iter().map(|&token| u16::from_le(token)).collect());
        }
        let map = Arc::new(map);
        Ok(Self(Storage::Mapped { map, header }))
    }
}

impl Deref for Tokens {
    type Target = [u16];

    fn deref(&self) -> &[u16] {
        match &self.0 {
            Storage::Owned(tokens) => tokens,
            Storage::Mapped { map, header } => bytemuck::cast_slice(&map[*header..]),
        }
    }
}

impl From<Vec<u16>> for Tokens {
    fn from(tokens: Vec<u16>) -> Self {
        Self(Storage::Owned(tokens))
    }
}

impl FromIterator<u16> for Tokens {
    fn from_iter<I: IntoIterator<Item = u16>>(tokens: I) -> Self {
        Self::from(tokens.into_iter().collect::<Vec<u16>>())
    }
}

impl PartialEq for Tokens {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Tokens {}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tokens", self.len())
    }
}
