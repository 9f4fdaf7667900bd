//! Parts of a virtual dataset: the source of each part, and the elements that it fills.
#![allow(unsafe_code)] // the hdf5 crate does not expose the selections of the parts

use hdf5::dataset::DatasetCreate;
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5p::{
    H5Pget_virtual_count, H5Pget_virtual_dsetname, H5Pget_virtual_filename, H5Pget_virtual_srcspace,
    H5Pget_virtual_vspace,
};
use hdf5_sys::h5s::{
    H5S_MAX_RANK, H5Sclose, H5Sget_regular_hyperslab, H5Sget_select_bounds, H5Sget_select_hyper_blocklist,
    H5Sget_select_hyper_nblocks, H5Sget_select_npoints, H5Sget_simple_extent_ndims, H5Sis_regular_hyperslab,
};
use std::ffi::c_char;
use std::ops::Range;

/// Greatest length of the name of a part [bytes].
const LONGEST_NAME: usize = 4096;
/// Greatest number of blocks that all parts of a dataset may have.
const MOST_BLOCKS: u64 = 1 << 20;
/// Greatest number of axes of a dataset.
const MOST_AXES: usize = H5S_MAX_RANK as usize;

/// A part of a virtual dataset.
pub(super) struct Mapping {
    /// Name of the source file.
    pub(super) file: String,
    /// Name of the dataset in that file.
    pub(super) dataset: String,
    /// End of the source's range along each axis, exclusive.
    pub(super) ends: Vec<u64>,
    /// The elements of the virtual dataset that it fills.
    filled: Vec<Block>,
}

/// A block of elements: a range for each axis.
type Block = Vec<Range<u64>>;

/// Number of elements in a block.
fn volume(block: &Block) -> u64 {
    block.iter().map(|axis| axis.end - axis.start).fold(1, u64::saturating_mul)
}

impl Mapping {
    /// Number of elements that the part fills.
    pub(super) fn points(&self) -> u64 {
        self.filled.iter().map(volume).fold(0, u64::saturating_add)
    }
}

/// Fails if some element of a virtual dataset is filled by no part. The library would read it as 0.
pub(super) fn check_filled(shape: &[usize], parts: &[Mapping]) -> Result<(), String> {
    let shape: Vec<u64> = shape.iter().map(|&length| length as u64).collect();
    if shape.contains(&0) {
        return Ok(());
    }
    let blocks = parts.iter().flat_map(|part| &part.filled).map(Vec::as_slice);
    match first_gap(&shape, blocks.filter(|block| block.len() == shape.len()).collect()) {
        None => Ok(()),
        Some(row) => Err(format!(
            "is a virtual dataset with numbers that no part has, from row {row} on, which would be read as 0"
        )),
    }
}

/// The first row that the blocks do not cover. The shape has no axis of length 0.
fn first_gap(shape: &[u64], mut blocks: Vec<&[Range<u64>]>) -> Option<u64> {
    let Some((&length, inner)) = shape.split_first() else { return blocks.is_empty().then_some(0) };
    blocks.sort_by_key(|block| block[0].start);
    let mut later = blocks.into_iter().peekable();
    let mut here: Vec<&[Range<u64>]> = Vec::new();
    let mut row = 0;
    while row < length {
        while let Some(block) = later.next_if(|block| block[0].start <= row) {
            here.push(block);
        }
        here.retain(|block| block[0].end > row);
        if first_gap(inner, here.iter().map(|block| &block[1..]).collect()).is_some() {
            return Some(row);
        }
        // The rows are alike until a block begins or ends.
        let ends = here.iter().map(|block| block[0].end);
        row = ends.chain(later.peek().map(|block| block[0].start)).min().unwrap_or(length);
    }
    None
}

/// The parts of a virtual dataset.
pub(super) fn parts(properties: &DatasetCreate) -> Result<Vec<Mapping>, String> {
    let list = properties.id();
    let _guard = hdf5_sys::LOCK.lock();
    let mut count = 0;
    // SAFETY: the list is open, and the call fills `count`. The library is locked.
    if unsafe { H5Pget_virtual_count(list, &raw mut count) } < 0 {
        return Err("is a virtual dataset without a list of its parts".to_owned());
    }
    let mut blocks = MOST_BLOCKS;
    let part = |part| {
        let filled = of_space(list, H5Pget_virtual_vspace, part, |space| filled(space, blocks))?;
        blocks -= filled.len() as u64;
        Ok(Mapping {
            file: name(list, H5Pget_virtual_filename, part)?,
            dataset: name(list, H5Pget_virtual_dsetname, part)?,
            ends: of_space(list, H5Pget_virtual_srcspace, part, |space| bounds(space).ok_or(NO_END))?
                .iter()
                .map(|axis| axis.end)
                .collect(),
            filled,
        })
    };
    (0..count).map(part).collect()
}

/// The name of a file or dataset of a part. The library must be locked.
fn name(
    list: hid_t,
    get: unsafe extern "C" fn(hid_t, usize, *mut c_char, usize) -> isize,
    part: usize,
) -> Result<String, String> {
    let mut text = [0u8; LONGEST_NAME];
    // SAFETY: the list is open and has this part. The buffer has the length that is passed, and the
    // library is locked.
    let length = unsafe { get(list, part, text.as_mut_ptr().cast(), text.len()) };
    let length = usize::try_from(length).ok().filter(|&length| length < text.len());
    let name = length.and_then(|length| String::from_utf8(text[..length].to_vec()).ok());
    name.ok_or_else(|| "is a virtual dataset with a part whose name cannot be read".to_owned())
}

const NO_END: &str = "of no fixed length";

/// Calls `read` with a space of a part. The library must be locked.
fn of_space<T>(
    list: hid_t,
    get: unsafe extern "C" fn(hid_t, usize) -> hid_t,
    part: usize,
    read: impl FnOnce(hid_t) -> Result<T, &'static str>,
) -> Result<T, String> {
    // SAFETY: the list is open and has this part; the library is locked.
    let space = unsafe { get(list, part) };
    let found = read(space);
    // SAFETY: the space is this function's; an error changes nothing.
    unsafe { H5Sclose(space) };
    found.map_err(|fault| format!("is a virtual dataset with a part {fault}, which cannot be read"))
}

/// The box around the selection in a space; `None` if that has no end. The library must be locked.
fn bounds(space: hid_t) -> Option<Block> {
    let (mut starts, mut lasts) = ([0u64; MOST_AXES], [0u64; MOST_AXES]);
    // SAFETY: the calls refuse what is no space; no space has more axes than the buffers are long.
    let axes = unsafe {
        let axes =
            usize::try_from(H5Sget_simple_extent_ndims(space)).ok().filter(|&axes| axes <= MOST_AXES)?;
        if H5Sget_select_npoints(space) == 0 {
            return Some(vec![0..0; axes]);
        }
        if H5Sget_select_bounds(space, starts.as_mut_ptr(), lasts.as_mut_ptr()) < 0 {
            return None;
        }
        axes
    };
    let axis = |(start, last): (&u64, &u64)| Some(*start..last.checked_add(1)?);
    starts.iter().zip(&lasts).take(axes).map(axis).collect()
}

/// The blocks of a selection. The library must be locked.
fn filled(space: hid_t, most: u64) -> Result<Vec<Block>, &'static str> {
    let bounds = bounds(space).ok_or(NO_END)?;
    // SAFETY: the call refuses what is no space.
    let points = u64::try_from(unsafe { H5Sget_select_npoints(space) }).map_err(|_| NO_END)?;
    if points == volume(&bounds) {
        return Ok(vec![bounds]);
    }
    // SAFETY: the call refuses what is no space, or has no such selection.
    if unsafe { H5Sis_regular_hyperslab(space) } > 0 {
        regular_blocks(space, bounds.len(), most)
    } else {
        listed_blocks(space, bounds.len(), most)
    }
}

const TOO_MANY: &str = "of too many pieces";

/// The blocks of a selection that repeats at equal distances. The library must be locked.
fn regular_blocks(space: hid_t, axes: usize, most: u64) -> Result<Vec<Block>, &'static str> {
    let [mut start, mut stride, mut count, mut length] = [[0u64; MOST_AXES]; 4];
    let [first, second, third, fourth] =
        [&mut start, &mut stride, &mut count, &mut length].map(|axis| axis.as_mut_ptr());
    // SAFETY: no space has more axes than the buffers are long; the call refuses other selections.
    if unsafe { H5Sget_regular_hyperslab(space, first, second, third, fourth) } < 0 {
        return Err(NO_END);
    }
    let mut blocks = vec![Block::new()];
    for axis in 0..axes {
        // Blocks that touch are one.
        let (count, length) = match stride[axis] == length[axis] {
            true => (1, length[axis].checked_mul(count[axis]).ok_or(NO_END)?),
            false => (count[axis], length[axis]),
        };
        if (blocks.len() as u64).checked_mul(count).is_none_or(|all| all > most) {
            return Err(TOO_MANY);
        }
        let range = |k: u64| {
            let from = start[axis].checked_add(k.checked_mul(stride[axis])?)?;
            Some(from..from.checked_add(length)?)
        };
        let ranges: Option<Vec<Range<u64>>> = (0..count).map(range).collect();
        let ranges = ranges.ok_or(NO_END)?;
        let with = |block: Block| {
            ranges.iter().map(move |range| [block.as_slice(), std::slice::from_ref(range)].concat())
        };
        blocks = blocks.into_iter().flat_map(with).collect();
    }
    Ok(blocks)
}

/// The blocks of a selection of any form. The library must be locked.
fn listed_blocks(space: hid_t, axes: usize, most: u64) -> Result<Vec<Block>, &'static str> {
    // SAFETY: the call refuses what is no space, or has no blocks.
    let count =
        u64::try_from(unsafe { H5Sget_select_hyper_nblocks(space) }).map_err(|_| "of single points")?;
    if count > most {
        return Err(TOO_MANY);
    }
    let mut corners = vec![0u64; count as usize * 2 * axes];
    // SAFETY: a block takes two corners of `axes` numbers each, and the space has `count` blocks.
    if unsafe { H5Sget_select_hyper_blocklist(space, 0, count, corners.as_mut_ptr()) } < 0 {
        return Err(NO_END);
    }
    let block = |corners: &[u64]| {
        let (first, last) = corners.split_at(axes);
        first
            .iter()
            .zip(last)
            .map(|(first, last)| Some(*first..last.checked_add(1)?))
            .collect::<Option<Block>>()
    };
    corners.chunks_exact(2 * axes).map(block).collect::<Option<_>>().ok_or(NO_END)
}
