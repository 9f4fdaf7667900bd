//! MPI and HDF5 calls for which there is no safe interface: the collective transfer, agreement
//! between ranks, and texts of any length.
// The hdf5 crate lacks transfer properties and texts of run-time length. It and MPI-IO take raw
// communicators.
#![allow(unsafe_code)]

use hdf5::types::TypeDescriptor;
use hdf5::{Attribute, Dataset, Dataspace, Datatype, File, FileBuilder, H5Type, Location};
use hdf5_sys::{h5a, h5d, h5i::hid_t, h5p, h5s, h5t};
use mpi::ffi::{self, MPI_Info};
use mpi::topology::{Color, SimpleCommunicator};
use mpi::traits::{AsRaw, Communicator};
use std::ffi::CString;
use std::ops::Range;
use std::path::Path;

/// The writers of a snapshot.
///
/// A communicator is borrowed, so that it is one of a running MPI and outlives the writers. A raw
/// handle is not accepted:
///
/// ```compile_fail
/// let writers = io::snapshot::Writers::Mpi { comm: std::ptr::null_mut(), rank: 0, size: 2 };
/// ```
#[derive(Clone, Copy)]
pub enum Writers<'a> {
    /// The caller alone.
    One,
    /// All ranks of a communicator. Each calls [`super::write`] with its own bodies.
    Mpi(&'a SimpleCommunicator),
}

impl Writers<'_> {
    /// Whether the caller is the rank that does what must be done once.
    pub(crate) fn is_first(&self) -> bool {
        self.rank() == 0
    }

    /// The caller's rank among the writers.
    pub(crate) fn rank(&self) -> usize {
        match self {
            Writers::One => 0,
            Writers::Mpi(comm) => comm.rank() as usize,
        }
    }

    /// The largest value of all ranks. Collective.
    pub(crate) fn largest(&self, value: u64) -> u64 {
        let Writers::Mpi(comm) = self else { return value };
        let mut largest = value;
        // SAFETY: the communicator is one of a running MPI; both buffers are one u64.
        unsafe {
            let (mine, all) = ((&raw const value).cast(), (&raw mut largest).cast());
            ffi::MPI_Allreduce(mine, all, 1, ffi::RSMPI_UINT64_T, ffi::RSMPI_MAX, comm.as_raw());
        }
        largest
    }

    /// Runs `job` on every rank. Returns `Ok` if all succeed, otherwise the error of the lowest
    /// failing rank, on every rank. `job` is a closure, so that a `?` inside it cannot skip the
    /// collective call. Collective.
    pub(crate) fn agree(&self, job: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
        let result = job();
        let Writers::Mpi(comm) = self else { return result };
        let (rank, size) = (comm.rank() as usize, comm.size() as usize);
        let candidate = if result.is_err() { rank } else { size };
        let culprit = u64::MAX - self.largest(u64::MAX - candidate as u64);
        if culprit == size as u64 {
            return Ok(());
        }
        // Longer messages are truncated. None of ours is longer.
        let mut text = [0u8; 1024];
        let said = result.err().unwrap_or_default();
        let length = said.len().min(text.len());
        text[..length].copy_from_slice(&said.as_bytes()[..length]);
        // SAFETY: the communicator is one of a running MPI. All ranks pass a buffer of this length
        // and the same root.
        unsafe {
            ffi::MPI_Bcast(
                text.as_mut_ptr().cast(),
                text.len() as i32,
                ffi::RSMPI_UINT8_T,
                culprit as i32,
                comm.as_raw(),
            );
        }
        Err(until_zero(&text))
    }

    /// Opens an existing file for writing, with these hints for MPI-IO. Collective.
    pub(super) fn open(&self, path: &Path, hints: &[(String, String)]) -> hdf5::Result<File> {
        match self {
            Writers::One => File::open_rw(path),
            Writers::Mpi(comm) => {
                let hints = Hints::new(hints)?;
                let info = hints.as_ref().map(|hints| hints.0);
                FileBuilder::new().with_fapl(|access| access.mpio(comm.as_raw(), info)).open_rw(path)
            }
        }
    }

    /// The group of the writers that take part, or `None` if this one does not. Collective.
    pub(super) fn subset(&self, takes_part: bool) -> Option<Group> {
        let Writers::Mpi(comm) = self else { return takes_part.then_some(Group(None)) };
        let part = comm.split_by_color(Color::with_value(i32::from(takes_part)));
        part.filter(|_| takes_part).map(|part| Group(Some(part)))
    }
}

/// A group of the writers with its own communicator. It has none if there is a single writer.
pub(super) struct Group(Option<SimpleCommunicator>);

impl Group {
    pub(super) fn writers(&self) -> Writers<'_> {
        self.0.as_ref().map_or(Writers::One, Writers::Mpi)
    }
}

/// An MPI info object with hints for MPI-IO.
struct Hints(MPI_Info);

impl Hints {
    /// `None` if there are none.
    fn new(hints: &[(String, String)]) -> hdf5::Result<Option<Hints>> {
        if hints.is_empty() {
            return Ok(None);
        }
        let text = |text: &str| {
            CString::new(text).map_err(|_| hdf5::Error::from(format!("the hint {text:?} holds a zero")))
        };
        let pairs = hints.iter().map(|(key, value)| Ok((text(key)?, text(value)?)));
        let pairs: Vec<(CString, CString)> = pairs.collect::<hdf5::Result<_>>()?;
        // SAFETY: MPI is running, as the caller of `open` promises. The handle is written before it
        // is used. The texts end with zero, and MPI copies them.
        unsafe {
            let mut info = std::mem::zeroed();
            ffi::MPI_Info_create(&raw mut info);
            for (key, value) in &pairs {
                ffi::MPI_Info_set(info, key.as_ptr(), value.as_ptr());
            }
            Ok(Some(Hints(info)))
        }
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        // SAFETY: the handle was made by `Hints::new` and is freed once.
        unsafe { ffi::MPI_Info_free(&raw mut self.0) };
    }
}

/// Transfer mode of writes: collective or independent.
pub(super) struct Transfer(hid_t);

impl Transfer {
    pub(super) fn new(writers: &Writers) -> hdf5::Result<Transfer> {
        let _guard = hdf5_sys::LOCK.lock();
        // SAFETY: the library is initialized (a file is open) and locked. The class of transfer
        // properties is one of its constants.
        let properties = hdf5::h5check(unsafe { h5p::H5Pcreate(*h5p::H5P_CLS_DATASET_XFER) })?;
        let transfer = Transfer(properties);
        if let Writers::Mpi(_) = writers {
            let mode = h5p::H5FD_mpio_xfer_t::H5FD_MPIO_COLLECTIVE;
            // SAFETY: the list was just created as one of transfer properties. The library is
            // locked.
            hdf5::h5check(unsafe { h5p::H5Pset_dxpl_mpio(properties, mode) })?;
        }
        Ok(transfer)
    }

    /// Writes `values` as the rows `rows` of a dataset. Collective if there are several writers:
    /// ranks without rows take part, too.
    pub(super) fn write<T: H5Type>(
        &self,
        dataset: &Dataset,
        rows: Range<usize>,
        values: &[T],
    ) -> hdf5::Result<()> {
        let shape = dataset.shape();
        let width: usize = shape[1..].iter().product();
        assert_eq!(values.len(), rows.len() * width, "the values do not fill their rows");
        assert!(rows.end <= shape[0], "rows {rows:?} are beyond the {} of the dataset", shape[0]);
        let (space, memory) = (dataset.space()?, Dataspace::try_new(values.len().max(1))?);
        let space = match shape.len() {
            _ if rows.is_empty() => select_nothing(space, &memory)?,
            1 => space.select(rows)?,
            _ => space.select((rows, ..))?,
        };
        let kind = Datatype::from_type::<T>()?;
        let _guard = hdf5_sys::LOCK.lock();
        // SAFETY: all handles are open. The selections in memory and file have the same size, which
        // is that of `values` (asserted above). `T` is what `kind` describes. The library is
        // locked.
        hdf5::h5check(unsafe {
            h5d::H5Dwrite(dataset.id(), kind.id(), memory.id(), space.id(), self.0, values.as_ptr().cast())
        })?;
        Ok(())
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        let _guard = hdf5_sys::LOCK.lock();
        // SAFETY: the list is open and is closed once. The library is locked.
        unsafe { h5p::H5Pclose(self.0) };
    }
}

fn select_nothing(space: Dataspace, memory: &Dataspace) -> hdf5::Result<Dataspace> {
    let _guard = hdf5_sys::LOCK.lock();
    for id in [space.id(), memory.id()] {
        // SAFETY: both dataspaces are open and belong to the caller. The library is locked.
        hdf5::h5check(unsafe { h5s::H5Sselect_none(id) })?;
    }
    Ok(space)
}

/// Type of the numbers in a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Floats of any size.
    Floats,
    /// Signed integers.
    Signed {
        /// Size of each [bytes].
        bytes: usize,
    },
    /// Unsigned integers.
    Unsigned {
        /// Size of each [bytes].
        bytes: usize,
    },
    /// Not numbers.
    None,
}

/// Type of the numbers in a dataset. Unlike `TypeDescriptor`, it supports numbers of any size,
/// which the library converts.
pub(super) fn numbers_of(dataset: &Dataset) -> hdf5::Result<Numbers> {
    let kind = dataset.dtype()?;
    let _guard = hdf5_sys::LOCK.lock();
    // SAFETY: the type is open, and nothing is written. The library is locked.
    let (class, bytes) = unsafe { (h5t::H5Tget_class(kind.id()), h5t::H5Tget_size(kind.id())) };
    Ok(match class {
        h5t::H5T_class_t::H5T_FLOAT => Numbers::Floats,
        h5t::H5T_class_t::H5T_INTEGER => {
            // SAFETY: as above.
            match unsafe { h5t::H5Tget_sign(kind.id()) } {
                h5t::H5T_sign_t::H5T_SGN_NONE => Numbers::Unsigned { bytes },
                h5t::H5T_sign_t::H5T_SGN_2 => Numbers::Signed { bytes },
                _ => Numbers::None,
            }
        }
        _ => Numbers::None,
    })
}

/// Writes an attribute as a text of fixed length, the only kind that yt and pynbody can read.
pub(super) fn write_text(place: &Location, name: &str, text: &str) -> hdf5::Result<()> {
    let bytes = if text.is_empty() { &[0] } else { text.as_bytes() }; // HDF5 has no empty text
    let kind = TypeDescriptor::FixedUnicode(bytes.len());
    let attribute = place.new_attr_builder().empty_as(&kind).create(name)?;
    let kind = Datatype::from_descriptor(&kind)?;
    let _guard = hdf5_sys::LOCK.lock();
    // SAFETY: the attribute is one value of type `kind`, which is as long as `bytes`. The library
    // is locked.
    hdf5::h5check(unsafe { h5a::H5Awrite(attribute.id(), kind.id(), bytes.as_ptr().cast()) })?;
    Ok(())
}

/// Whether a group has an attribute of this name.
pub(super) fn has_attribute(place: &Location, name: &str) -> hdf5::Result<bool> {
    let name = CString::new(name).map_err(|_| hdf5::Error::from("its name holds a zero"))?;
    let _guard = hdf5_sys::LOCK.lock();
    // SAFETY: the group is open and the name ends with zero. The library is locked.
    let found = unsafe { h5a::H5Aexists(place.id(), name.as_ptr()) };
    if found < 0 { Err("its attributes cannot be read".into()) } else { Ok(found > 0) }
}

/// Upper bound on the length of an attribute in HDF5. A longer text means a damaged file [bytes].
const LONGEST_TEXT: usize = 1 << 16;

/// Reads an attribute that is one text of fixed length; `None` if it is not.
pub(super) fn read_text(attribute: &Attribute) -> hdf5::Result<Option<String>> {
    let kind = attribute.dtype()?;
    let (TypeDescriptor::FixedUnicode(length) | TypeDescriptor::FixedAscii(length)) = kind.to_descriptor()?
    else {
        return Ok(None);
    };
    if attribute.size() != 1 || length > LONGEST_TEXT {
        return Ok(None);
    }
    let mut bytes = vec![0u8; length];
    let _guard = hdf5_sys::LOCK.lock();
    // SAFETY: the attribute is one value of type `kind`, which is as long as `bytes`. The library
    // is locked.
    hdf5::h5check(unsafe { h5a::H5Aread(attribute.id(), kind.id(), bytes.as_mut_ptr().cast()) })?;
    Ok(Some(until_zero(&bytes)))
}

fn until_zero(bytes: &[u8]) -> String {
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}
