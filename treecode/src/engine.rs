//! A rank's part of the tree and the tree that sinks walk, whatever the expansion: it is chosen here, once, and nobody above this crate
//! knows of it. So the kernels of all orders are compiled in this crate alone.

use crate::simd::Path;
use crate::structure::Structure;
use crate::{Bodies, Census, Expansion, Frame, Gravity, Selection, Visit, tree, with_expansion};
use std::ops::Range;

/// A part of the tree: the cells of one rank with their moments; joined with other parts, those of a group of ranks.
pub struct Part(Box<dyn AnyPart>);

/// The tree of one rank: its part, the cells above all ranks' branches, and what other ranks have sent.
pub struct Tree(Box<dyn AnyTree>);

trait AnyPart {
    fn has_drifted(&mut self);
    fn message(&self) -> Vec<u8>;
    fn join(self: Box<Self>, keys: &Range<u64>, message: &[u8]) -> Part;
    fn complete(self: Box<Self>, bodies: u64) -> Tree;
}

trait AnyTree: Send + Sync {
    fn drifted(
        self: Box<Self>,
        gravity: &Gravity,
        bodies: &Bodies,
        structure: &Structure,
        selection: Selection,
    ) -> Part;
    fn set_path(&mut self, path: Path);
    fn own_visit(&self) -> Visit;
    fn request(&self, visit: &Visit, keys: &Range<u64>) -> Option<Vec<u8>>;
    fn visit(&self, request: &[u8]) -> Visit;
    fn essential(&self, visit: Visit, message: &mut Vec<u8>);
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

    /// The same part of bodies that have drifted since they were sorted, so that they may have left their cells.
    #[must_use]
    pub fn after_drift(mut self) -> Part {
        self.0.has_drifted();
        self
    }

    /// What other ranks must know of it: its largest cells.
    pub fn message(&self) -> Vec<u8> {
        self.0.message()
    }

    /// Joins it with another part, given what that said in [`Part::message`], to the part of all bodies with these keys.
    #[must_use]
    pub fn join(self, keys: &Range<u64>, message: &[u8]) -> Part {
        self.0.join(keys, message)
    }

    /// The tree, once all parts are joined. Panics unless these hold `bodies` in all: none was lost on its way to its rank.
    pub fn complete(self, bodies: u64) -> Tree {
        self.0.complete(bodies)
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

    /// Computes on another SIMD path than the one of this process, for comparisons. Panics unless [`crate::simd_paths`] names it.
    pub fn on_path(&mut self, name: &str) {
        let path = Path::available().into_iter().find(|path| path.name() == name);
        self.0.set_path(path.unwrap_or_else(|| panic!("this processor has no SIMD path {name}")));
    }

    /// The sinks of this rank, and what they may open of the cells of others.
    pub fn own_visit(&self) -> Visit {
        self.0.own_visit()
    }

    /// What a rank in a group with these keys must know to go on with a visit; `None` if that may open nothing there.
    pub fn request(&self, visit: &Visit, keys: &Range<u64>) -> Option<Vec<u8>> {
        self.0.request(visit, keys)
    }

    /// Goes on with a visit, given a request: finds what it may open above the cells of this rank, and of the cells of others.
    pub fn visit(&self, request: &[u8]) -> Visit {
        self.0.visit(request)
    }

    /// Appends to a message what the sinks of a visit can need of the cells that this rank knows, and nobody that the visit came through: a
    /// cell stays closed only if none of them can open it.
    pub fn essential(&self, visit: Visit, message: &mut Vec<u8>) {
        self.0.essential(visit, message);
    }

    /// Takes in what another rank found essential for this one; first come the ranks that fewer others had to hand it on to.
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
    fn has_drifted(&mut self) {
        tree::Part::has_drifted(self);
    }
    fn message(&self) -> Vec<u8> {
        self.message()
    }
    fn join(self: Box<Self>, keys: &Range<u64>, message: &[u8]) -> Part {
        Part(Box::new((*self).join(keys, message)))
    }
    fn complete(self: Box<Self>, bodies: u64) -> Tree {
        Tree(Box::new((*self).complete(bodies)))
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
    fn set_path(&mut self, path: Path) {
        self.path = path;
    }
    fn own_visit(&self) -> Visit {
        self.own_visit()
    }
    fn request(&self, visit: &Visit, keys: &Range<u64>) -> Option<Vec<u8>> {
        self.request(visit, keys)
    }
    fn visit(&self, request: &[u8]) -> Visit {
        self.visit(request)
    }
    fn essential(&self, visit: Visit, message: &mut Vec<u8>) {
        self.essential(visit, message);
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
