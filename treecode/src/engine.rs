//! A rank's part of the tree and the tree that sinks walk, whatever the expansion: it is chosen here, once, and nobody above this crate
//! knows of it. So the kernels of all orders are compiled in this crate alone.

use crate::structure::Structure;
use crate::{Bodies, Census, Expansion, Frame, Gravity, Selection, tree, with_expansion};

/// One rank's part of the tree: its cells with their moments.
pub struct Part(Box<dyn AnyPart>);

/// The tree of one rank: its part, the cells above all ranks' branches, and what other ranks have sent.
pub struct Tree(Box<dyn AnyTree>);

trait AnyPart {
    fn message(&self) -> Vec<u8>;
    fn join(self: Box<Self>, messages: &[Vec<u8>]) -> Tree;
}

trait AnyTree: Send + Sync {
    fn drifted(
        self: Box<Self>,
        gravity: &Gravity,
        bodies: &Bodies,
        structure: &Structure,
        selection: Selection,
    ) -> Part;
    fn requests(&self, rank: usize) -> Vec<Vec<u8>>;
    fn essential(&self, rank: usize, request: &[u8]) -> Vec<u8>;
    fn graft(&mut self, message: &[u8]);
    fn imported(&self) -> [u64; 2];
    fn sink_groups(&self) -> Vec<u32>;
    fn gravity(
        &self,
        groups: &[u32],
        complete: bool,
        constant: f64,
        bodies: &mut Bodies,
        census: &mut Census,
    ) -> Vec<u32>;
    fn fmm(&self, constant: f64, bodies: &mut Bodies, census: &mut Census);
}

impl Part {
    /// Carries moments upward from the bodies, which are in key order, to this rank's branches. The bodies of the selection will feel the field.
    pub fn new(
        frame: Frame,
        gravity: &Gravity,
        bodies: &Bodies,
        structure: &Structure,
        selection: Selection,
    ) -> Part {
        with_expansion!(gravity, E => {
            Part(Box::new(tree::Part::<E>::new(frame, gravity, bodies, structure, selection)))
        })
    }

    /// What all ranks must know of it: its branches.
    pub fn message(&self) -> Vec<u8> {
        self.0.message()
    }

    /// Joins the parts of all ranks, given what each said in [`Part::message`], by rank.
    pub fn join(self, messages: &[Vec<u8>]) -> Tree {
        self.0.join(messages)
    }
}

impl Tree {
    /// The part of this rank again after its bodies, in the same order and with the same gravity, have drifted: the centres of mass and radii of
    /// its cells follow them, the moments stay as they were. All ranks must do so.
    pub fn drifted(
        self,
        gravity: &Gravity,
        bodies: &Bodies,
        structure: &Structure,
        selection: Selection,
    ) -> Part {
        self.0.drifted(gravity, bodies, structure, selection)
    }

    /// What this `rank` is to tell each rank of its sinks: where they are if they can need anything of that rank's cells, else nothing.
    pub fn requests(&self, rank: usize) -> Vec<Vec<u8>> {
        self.0.requests(rank)
    }

    /// What the sinks of another rank can need of this rank's cells, given its request: a cell stays closed only if none of them can open it.
    pub fn essential(&self, rank: usize, request: &[u8]) -> Vec<u8> {
        self.0.essential(rank, request)
    }

    /// Takes in what another rank found essential for this one.
    pub fn graft(&mut self, message: &[u8]) {
        self.0.graft(message);
    }

    /// Cells and bodies grafted.
    pub fn imported(&self) -> [u64; 2] {
        self.0.imported()
    }

    /// Names of all sink groups of this rank that are to feel the field, in key order.
    pub fn sink_groups(&self) -> Vec<u32> {
        self.0.sink_groups()
    }

    /// Computes acceleration [L/T^2], potential [L^2/T^2] and work of the selected bodies of these groups by the tree walk, in parallel; `bodies`
    /// are this rank's, in key order, `constant` is that of gravity. Returns the groups that could not be computed, since they need cells that
    /// have not been grafted yet.
    ///
    /// # Panics
    /// If the tree is `complete`, all having been grafted, and a group needs a closed cell: its owner left out something essential.
    pub fn gravity(
        &self,
        groups: &[u32],
        complete: bool,
        constant: f64,
        bodies: &mut Bodies,
        census: &mut Census,
    ) -> Vec<u32> {
        self.0.gravity(groups, complete, constant, bodies, census)
    }

    /// Computes acceleration [L/T^2], potential [L^2/T^2] and work of the selected bodies of this rank by the fmm walk, in parallel; `bodies` are this
    /// rank's, in key order, `constant` is that of gravity.
    ///
    /// # Panics
    /// If a sink cell needs a closed cell: its owner left out something essential.
    pub fn fmm(&self, constant: f64, bodies: &mut Bodies, census: &mut Census) {
        self.0.fmm(constant, bodies, census);
    }
}

impl<E: Expansion> AnyPart for tree::Part<E> {
    fn message(&self) -> Vec<u8> {
        self.message()
    }
    fn join(self: Box<Self>, messages: &[Vec<u8>]) -> Tree {
        Tree(Box::new((*self).join(messages)))
    }
}

impl<E: Expansion> AnyTree for tree::Tree<E> {
    fn drifted(
        self: Box<Self>,
        gravity: &Gravity,
        bodies: &Bodies,
        structure: &Structure,
        selection: Selection,
    ) -> Part {
        Part(Box::new((*self).drifted(gravity, bodies, structure, selection)))
    }
    fn requests(&self, rank: usize) -> Vec<Vec<u8>> {
        self.requests(rank)
    }
    fn essential(&self, rank: usize, request: &[u8]) -> Vec<u8> {
        self.essential(rank, request)
    }
    fn graft(&mut self, message: &[u8]) {
        self.graft(message);
    }
    fn imported(&self) -> [u64; 2] {
        self.imported
    }
    fn sink_groups(&self) -> Vec<u32> {
        self.sink_groups()
    }
    fn gravity(
        &self,
        groups: &[u32],
        complete: bool,
        constant: f64,
        bodies: &mut Bodies,
        census: &mut Census,
    ) -> Vec<u32> {
        self.gravity(groups, complete, constant, bodies, census)
    }
    fn fmm(&self, constant: f64, bodies: &mut Bodies, census: &mut Census) {
        self.fmm(constant, bodies, census);
    }
}
