//! A file that several processes write at once, each at places of its own: MPI-IO, or plain writes where the writer is alone.
#![allow(unsafe_code)] // `mpi` has no files

use crate::snapshot::Writers;
use mpi::ffi;
use mpi::traits::AsRaw;
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::os::raw::c_int;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A file under way.
pub(super) enum SharedFile {
    /// Written by this process alone.
    One(File),
    /// Written by all processes of a communicator.
    Mpi(ffi::MPI_File),
}

impl SharedFile {
    /// Opens a file that exists, to write into it. Collective over `writers`.
    pub(super) fn open(path: &Path, writers: &Writers) -> Result<SharedFile, String> {
        let Writers::Mpi(comm) = writers else {
            return OpenOptions::new()
                .write(true)
                .open(path)
                .map(SharedFile::One)
                .map_err(|error| error.to_string());
        };
        let name = CString::new(path.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
        // SAFETY: the communicator is one of a running MPI; the name ends in zero; the handle is written before it is read.
        unsafe {
            let mut file = std::mem::zeroed();
            let mode = ffi::MPI_MODE_WRONLY as c_int;
            checked(ffi::MPI_File_open(comm.as_raw(), name.as_ptr(), mode, ffi::RSMPI_INFO_NULL, &mut file))?;
            Ok(SharedFile::Mpi(file))
        }
    }

    /// Writes at a place that no other process writes; not collective. At most 2^31 - 1 bytes.
    pub(super) fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), String> {
        match self {
            SharedFile::One(file) => file.write_all_at(bytes, offset).map_err(|error| error.to_string()),
            SharedFile::Mpi(file) => {
                let length =
                    c_int::try_from(bytes.len()).expect("a piece is shorter than MPI's longest message");
                let mut written: c_int = 0;
                // SAFETY: the file is open; the buffer has `length` bytes; the status is plain data that the call fills.
                unsafe {
                    let mut status = std::mem::zeroed();
                    let kind = ffi::RSMPI_UINT8_T;
                    let (place, buffer) = (offset as ffi::MPI_Offset, bytes.as_ptr().cast());
                    checked(ffi::MPI_File_write_at(*file, place, buffer, length, kind, &mut status))?;
                    checked(ffi::MPI_Get_count(&status, kind, &mut written))?;
                }
                if written == length {
                    Ok(())
                } else {
                    Err(format!("only {written} of {length} bytes were written"))
                }
            }
        }
    }

    /// Ends it. Collective.
    pub(super) fn close(self) -> Result<(), String> {
        match self {
            SharedFile::One(_) => Ok(()),
            // SAFETY: the file is open and is closed once.
            SharedFile::Mpi(mut file) => checked(unsafe { ffi::MPI_File_close(&mut file) }),
        }
    }
}

/// What MPI says about an error of a file: those are returned, unlike others.
fn checked(code: c_int) -> Result<(), String> {
    if code == ffi::MPI_SUCCESS as c_int {
        return Ok(());
    }
    let mut text = [0u8; ffi::MPI_MAX_ERROR_STRING as usize + 1];
    let mut length: c_int = 0;
    // SAFETY: the buffer is as long as MPI's longest text; the code comes from MPI.
    unsafe { ffi::MPI_Error_string(code, text.as_mut_ptr().cast(), &mut length) };
    let said = text.split(|&byte| byte == 0).next().unwrap_or_default();
    Err(String::from_utf8_lossy(said).into_owned())
}
