//! Sinks, and the lists of cells and bodies that act on each body of a group. Both walks use them.

use crate::kernel::bodies::{Law, Newton, NewtonApart, NewtonRough, Plummer, Sinks, Sources, Spline};
use crate::kernel::lattice::{Background, Lattice};
use crate::kernel::simd::{Lanes, PACKED};
use crate::tree::build::Tree;
use crate::tree::particles::Leaf;
use crate::tree::summary::square;
use crate::walk::images::Image;
use crate::{Bodies, Expansion, Frame, Interactions, SofteningKernel};
use std::iter::once;
use std::ops::Range;

/// Cells of the tree in the order of the walk, as `tile << 3 | lane`, image by image.
#[derive(Default)]
pub(crate) struct List {
    cells: Vec<u32>,
    /// Each image with the place of its first cell. Open space has one, and no entry.
    images: Vec<(Image, usize)>,
}

impl List {
    pub(crate) fn clear(&mut self) {
        self.cells.clear();
        self.images.clear();
    }

    /// The cells from here on are those of an image.
    fn begin(&mut self, image: Image) {
        self.images.push((image, self.cells.len()));
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, cell: u32) {
        self.cells.push(cell);
    }

    /// Appends the cells in some lanes of a tile, without a branch.
    #[inline(always)]
    pub(crate) fn append(&mut self, tile: u32, lanes: u8) {
        let len = self.cells.len();
        self.cells.extend_from_slice(&PACKED[usize::from(lanes)].map(|lane| tile << 3 | lane));
        self.cells.truncate(len + lanes.count_ones() as usize);
    }

    /// The cells of each image. Before the first entry, the image is the home.
    fn images(&self) -> impl Iterator<Item = (Image, &[u32])> {
        let start_of = |k: usize| self.images.get(k).map_or(self.cells.len(), |(_, start)| *start);
        let others = self.images.iter().enumerate();
        let others = others.map(move |(k, &(image, start))| (image, &self.cells[start..start_of(k + 1)]));
        once((Image::HOME, &self.cells[..start_of(0)])).chain(others)
    }
}

/// A group of sinks, the cells and leaves that act on its bodies, and buffers for the sources.
#[derive(Default)]
pub(crate) struct Pairs {
    /// Cells that act by their moments.
    pub(crate) cells: List,
    /// Leaves within the reach of the softening, and the leaves of the sinks themselves.
    pub(crate) near: List,
    /// Leaves beyond the softening.
    pub(crate) far: List,
    pub(crate) sinks: Sinks,
    sources: Sources,
    /// Sources of one type.
    some: Sources,
}

/// The number of interactions of each sink of a group.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Felt {
    /// Bodies that acted on each sink.
    pub(crate) bodies: u64,
    /// Cells that acted on each sink.
    pub(crate) cells: u64,
    /// Floating-point operations for each sink.
    pub(crate) operations: u64,
}

/// The work of this number of operations, in body-body interactions.
pub(crate) fn in_pairs(operations: u64) -> f32 {
    operations as f32 / Newton::OPERATIONS as f32
}

impl Felt {
    /// The interactions of this number of sinks.
    pub(crate) fn interactions(&self, sinks: u64) -> Interactions {
        Interactions { body_body: sinks * self.bodies, body_cell: sinks * self.cells, cell_cell: 0 }
    }

    fn add_bodies<W: Law>(&mut self, bodies: usize) {
        self.bodies += bodies as u64;
        self.operations += bodies as u64 * W::OPERATIONS;
    }

    /// Work for each sink, in body-body interactions.
    pub(crate) fn work<E: Expansion>(&self) -> f32 {
        self.bodies as f32 + self.cells as f32 * in_pairs(E::OPERATIONS)
    }
}

impl Pairs {
    /// Empties all lists.
    pub(crate) fn clear(&mut self) {
        self.cells.clear();
        self.near.clear();
        self.far.clear();
    }

    /// What is appended from here on is of an image.
    pub(crate) fn begin(&mut self, image: Image) {
        [&mut self.cells, &mut self.near, &mut self.far].into_iter().for_each(|list| list.begin(image));
    }

    /// Sets the sinks, relative to `centre`: the bodies of leaves that lie together, or `some` of
    /// these bodies.
    #[inline(always)]
    pub(crate) fn set_sinks<L: Lanes, E: Expansion>(
        &mut self,
        tree: &Tree<E>,
        leaves: &[Leaf],
        some: Option<&[u32]>,
        centre: [f64; 3],
    ) {
        self.sources.clear();
        self.sources.extend::<L>(&tree.particles, leaves.iter().map(|leaf| (*leaf, leaf.shift(centre))));
        self.sources.pad();
        if let (Some(some), [leaf, ..]) = (some, leaves) {
            self.sources.keep(some.iter().map(|i| (i - leaf.first) as usize));
        }
        self.sinks.set(&self.sources);
    }

    /// Adds the field of the far images of a periodic box, without the background, to sinks about
    /// `centre` that are too far from each other to share an expansion.
    pub(crate) fn feel_far_images(&mut self, lattice: &Lattice, centre: [f64; 3]) {
        self.sinks.feel(|place| lattice.field(std::array::from_fn(|axis| centre[axis] + place[axis])));
    }

    /// Adds the field of all lists to the sinks.
    #[inline(always)]
    pub(crate) fn interact<L: Lanes, E: Expansion>(&mut self, tree: &Tree<E>, centre: [f64; 3]) -> Felt {
        let softened = &tree.softened;
        let Pairs { cells, sinks, .. } = self;
        let typed = softened.table.as_ref().map(|table| (table, sinks.soften_for_cells(softened)));
        for (image, cells) in cells.images() {
            sinks.feel_cells::<L, E>(&tree.tiles, cells, image.sees(centre), softened.kernel);
        }
        let mut felt = Felt { cells: cells.cells.len() as u64, ..Felt::default() };
        felt.operations = felt.cells * E::OPERATIONS;
        let (near, far) = (std::mem::take(&mut self.near), std::mem::take(&mut self.far));
        match softened.kernel {
            _ if softened.none => self.feel::<L, Newton, E>(tree, &near, centre, &mut felt),
            SofteningKernel::Plummer => self.feel::<L, Plummer, E>(tree, &near, centre, &mut felt),
            SofteningKernel::Spline => match typed {
                None => self.feel::<L, Spline, E>(tree, &near, centre, &mut felt),
                Some((table, types)) => {
                    self.gather::<L, E>(tree, &near, centre);
                    let Pairs { sinks, sources, some, .. } = self;
                    sinks.feel_by_type(tree.path, sources, &types, table, some);
                    felt.add_bodies::<Spline>(sources.len());
                }
            },
        }
        match softened.kernel {
            SofteningKernel::Plummer if !softened.none => {
                self.feel::<L, Plummer, E>(tree, &far, centre, &mut felt)
            }
            _ if tree.opening.rough() => self.feel::<L, NewtonRough, E>(tree, &far, centre, &mut felt),
            _ => self.feel::<L, NewtonApart, E>(tree, &far, centre, &mut felt),
        }
        (self.near, self.far) = (near, far);
        felt
    }

    /// Adds the field of the bodies of leaves to all sinks, with one force law.
    #[inline(always)]
    fn feel<L: Lanes, W: Law, E: Expansion>(
        &mut self,
        tree: &Tree<E>,
        leaves: &List,
        centre: [f64; 3],
        felt: &mut Felt,
    ) {
        self.gather::<L, E>(tree, leaves, centre);
        self.sinks.feel_bodies::<W>(tree.path, &self.sources);
        felt.add_bodies::<W>(self.sources.len());
    }

    /// Sets the bodies of leaves as the sources.
    #[inline(always)]
    fn gather<L: Lanes, E: Expansion>(&mut self, tree: &Tree<E>, leaves: &List, centre: [f64; 3]) {
        self.sources.clear();
        for (image, cells) in leaves.images() {
            let centre = image.sees(centre);
            let leaves = cells.iter().map(|cell| {
                let leaf = tree.tiles[(cell >> 3) as usize].leaf((cell & 7) as usize);
                (leaf, leaf.shift(centre))
            });
            self.sources.extend::<L>(&tree.particles, leaves);
        }
        self.sources.pad();
    }
}

/// Arrays for the results of bodies: acceleration, potential, then work and change of acceleration.
pub(crate) type Out<'a> = ([&'a mut [f64]; 3], &'a mut [f64], [&'a mut [f32]; 2]);

/// Converts the sums of the kernels to physical units.
pub(crate) struct Units<'a> {
    acceleration: f64,
    potential: f64,
    /// Potential of a body at its own place, by particle type. The pair sums include it; the field
    /// does not.
    own: [f64; crate::TYPES],
    /// Whether changes of acceleration are written.
    changes: bool,
    mass: &'a [f64],
    kind: &'a [u8],
    /// The background of a periodic box, with what leads to the places of the bodies.
    background: Option<(Background, Frame, [&'a [f64]; 3])>,
}

impl<'a> Units<'a> {
    /// The units of a tree, and the arrays of these bodies for the results.
    pub(crate) fn of<E: Expansion>(tree: &Tree<E>, bodies: &'a mut Bodies) -> (Units<'a>, Out<'a>) {
        let Bodies { acc: [x, y, z], pot, work, change, kind, mass, pos, .. } = bodies;
        let (acceleration, potential) =
            (tree.frame.acceleration(tree.constant), tree.frame.potential(tree.constant));
        let own = std::array::from_fn(|kind| tree.softened.own_potential(kind as u8) / tree.frame.mass);
        let places = pos.each_ref().map(Vec::as_slice);
        let background = tree.lattice.as_ref().map(|lattice| (lattice.background, tree.frame, places));
        let units = Units { acceleration, potential, own, changes: tree.changes, mass, kind, background };
        (units, ([x, y, z], pot, [work, change]))
    }

    /// Writes the sums of the sinks. The sinks are the bodies from `first` on, or `some` of them.
    /// The sums contain the background up to first order about `anchor`, if there is one. `out` begins with
    /// body `base`.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn write(
        &self,
        sinks: &Sinks,
        first: usize,
        some: Option<&[u32]>,
        anchor: Option<[f64; 3]>,
        base: usize,
        work: f32,
        out: &mut Out,
    ) {
        match some {
            None => self.write_run(sinks, 0..sinks.len(), first, anchor, base, work, out),
            Some(some) => {
                for (k, body) in some.iter().enumerate() {
                    self.write_run(sinks, k..k + 1, *body as usize, anchor, base, work, out);
                }
            }
        }
    }

    /// Writes the sums of a range of sinks, which are the bodies from `first` on.
    #[allow(clippy::too_many_arguments)]
    #[inline(always)]
    fn write_run(
        &self,
        sinks: &Sinks,
        range: Range<usize>,
        first: usize,
        anchor: Option<[f64; 3]>,
        base: usize,
        work: f32,
        out: &mut Out,
    ) {
        let ([x, y, z], pot, [works, changes]) = out;
        let (bodies, at) = (first..first + range.len(), first - base..first - base + range.len());
        let (kind, mass) = (&self.kind[bodies.clone()], &self.mass[bodies]);
        let (x, y, z) = (&mut x[at.clone()], &mut y[at.clone()], &mut z[at.clone()]);
        let pot = &mut pot[at.clone()];
        let changes = &mut changes[at.clone()];
        for k in 0..mass.len() {
            let mut field = sinks.field(range.start + k);
            if let Some((background, frame, pos)) = &self.background {
                let place = std::array::from_fn(|axis| frame.coordinate(axis, pos[axis][first + k]));
                let far =
                    anchor.map_or_else(|| background.field(place), |at| background.field_about(at, place));
                field.iter_mut().zip(far).for_each(|(sum, far)| *sum += far);
            }
            let [sum, ax, ay, az] = field;
            pot[k] = (self.own[usize::from(kind[k])] * mass[k] - sum) * self.potential;
            let new = [ax, ay, az].map(|a| a * self.acceleration);
            if self.changes {
                changes[k] = square([new[0] - x[k], new[1] - y[k], new[2] - z[k]]).sqrt() as f32;
            }
            [x[k], y[k], z[k]] = new;
        }
        works[at].fill(work);
    }
}
