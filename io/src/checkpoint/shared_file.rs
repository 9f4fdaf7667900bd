//! A file that several MPI processes write at the same time, at different offsets, with MPI-IO.
#![allow(unsafe_code)] // `mpi` has no files

use mpi::ffi;
use mpi::topology::SimpleCommunicator;
use mpi::traits::AsRaw;
use std::ffi::CString;
use std::os::raw::c_int;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// An open file.
pub(super) struct SharedFile(ffi::MPI_File);

impl SharedFile {
    /// Opens an existing file for writing. Collective over these processes.
    pub(super) fn open(path: &Path, processes: &SimpleCommunicator) -> Result<SharedFile, String> {
        let name = CString::new(path.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
        // SAFETY: the communicator is one of a running MPI; the name ends in zero; the handle is written before it is read.
        unsafe {
            let (mut file, mode) = (std::mem::zeroed(), ffi::MPI_MODE_WRONLY as c_int);
            let (processes, hints) = (processes.as_raw(), ffi::RSMPI_INFO_NULL);
            checked(ffi::MPI_File_open(processes, name.as_ptr(), mode, hints, &mut file))?;
            Ok(SharedFile(file))
        }
    }

    /// Writes at an offset at which no other process writes. At most 2^31 - 1 bytes. Not collective.
    pub(super) fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), String> {
        let length = c_int::try_from(bytes.len()).expect("a piece is shorter than MPI's longest message");
        let mut written: c_int = 0;
        // SAFETY: the file is open; the buffer has `length` bytes; the status is plain data that the call fills.
        unsafe {
            let mut status = std::mem::zeroed();
            let kind = ffi::RSMPI_UINT8_T;
            let (place, buffer) = (offset as ffi::MPI_Offset, bytes.as_ptr().cast());
            checked(ffi::MPI_File_write_at(self.0, place, buffer, length, kind, &mut status))?;
            checked(ffi::MPI_Get_count(&status, kind, &mut written))?;
        }
        if written == length { Ok(()) } else { Err(format!("only {written} of {length} bytes were written")) }
    }

    /// Closes the file. Collective.
    pub(super) fn close(mut self) -> Result<(), String> {
        // SAFETY: the file is open and is closed once.
        checked(unsafe { ffi::MPI_File_close(&mut self.0) })
    }
}

/// MPI's text for an error of a file. MPI returns these errors; others end the program.
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
