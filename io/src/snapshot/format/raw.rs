//! Calls of HDF5 for which there is no safe interface: the transfer of rows, and text of any length.
#![allow(unsafe_code)] // hdf5 has no transfer properties and no text of a length known only at run time

use hdf5::types::TypeDescriptor;
use hdf5::{Attribute, Dataset, Dataspace, Datatype, H5Type, Location};
use hdf5_sys::{h5a, h5d, h5i::hid_t, h5p, h5s, h5t};
use std::ffi::CString;
use std::ops::Range;

/// How rows are written: by this process alone, or by all processes that have the file open.
pub(in crate::snapshot) struct Transfer(hid_t);

impl Transfer {
    /// This process writes alone.
    pub(in crate::snapshot) fn new() -> hdf5::Result<Transfer> {
        let _guard = hdf5_sys::LOCK.lock();
        // SAFETY: the library is initialized (a file is open) and locked; the class of transfer properties is one of its constants.
        hdf5::h5check(unsafe { h5p::H5Pcreate(*h5p::H5P_CLS_DATASET_XFER) }).map(Transfer)
    }

    /// All processes that have the file open write together. They must call [`Transfer::write`] equally
    /// often.
    #[cfg(feature = "hdf5-mpio")]
    pub(in crate::snapshot) fn collective() -> hdf5::Result<Transfer> {
        let transfer = Transfer::new()?;
        let _guard = hdf5_sys::LOCK.lock();
        let mode = h5p::H5FD_mpio_xfer_t::H5FD_MPIO_COLLECTIVE;
        // SAFETY: the list was just created as one of transfer properties; the library is locked.
        hdf5::h5check(unsafe { h5p::H5Pset_dxpl_mpio(transfer.0, mode) })?;
        Ok(transfer)
    }

    /// Writes `values` to the rows `rows` of a dataset. A process without rows must take part if the
    /// transfer is collective.
    pub(in crate::snapshot) fn write<T: H5Type>(
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
pub(in crate::snapshot) enum Numbers {
    /// Floats.
    Floats {
        /// Size of each [bytes].
        bytes: usize,
    },
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
pub(in crate::snapshot) fn numbers_of(dataset: &Dataset) -> hdf5::Result<Numbers> {
    let kind = dataset.dtype()?;
    let _guard = hdf5_sys::LOCK.lock();
    // SAFETY: the type is open, and nothing is written. The library is locked.
    let (class, bytes) = unsafe { (h5t::H5Tget_class(kind.id()), h5t::H5Tget_size(kind.id())) };
    Ok(match class {
        h5t::H5T_class_t::H5T_FLOAT => Numbers::Floats { bytes },
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
pub(crate) fn write_text(place: &Location, name: &str, text: &str) -> hdf5::Result<()> {
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
pub(in crate::snapshot) fn has_attribute(place: &Location, name: &str) -> hdf5::Result<bool> {
    let name = CString::new(name).map_err(|_| hdf5::Error::from("its name holds a zero"))?;
    let _guard = hdf5_sys::LOCK.lock();
    // SAFETY: the group is open and the name ends with zero. The library is locked.
    let found = unsafe { h5a::H5Aexists(place.id(), name.as_ptr()) };
    if found < 0 { Err("its attributes cannot be read".into()) } else { Ok(found > 0) }
}

/// Upper bound on the length of an attribute in HDF5. A longer text means a damaged file [bytes].
const LONGEST_TEXT: usize = 1 << 16;

/// Reads an attribute that is one text of fixed length; `None` if it is not.
pub(in crate::snapshot) fn read_text(attribute: &Attribute) -> hdf5::Result<Option<String>> {
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
