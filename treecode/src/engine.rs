//! The part of the tree that one rank owns, and the tree that its sinks walk, for any expansion.
//!
//! A macro chooses the expansion here, once. The kernels of all orders are therefore compiled in
//! this crate only.

use crate::kernel::lattice;
use crate::kernel::simd::Path;
use crate::tree::build::LargestCell;
use crate::tree::structure::Structure;
use crate::{
    Bodies, Census, Error, Expansion, Frame, Gravity, Selection, Visit, tree::build, with_expansion,
};
use std::ops::{Deref, DerefMut, Range};

/// A part of the tree: the cells of one rank with their moments. Joined with other parts, it is the
/// part of a group of ranks. Its methods are those of [`AnyPart`].
pub struct Part(Box<dyn AnyPart>);

/// The tree of one rank: its own part, the cells above the branches of all ranks, and the essential
/// trees that other ranks have sent. Its methods are those of [`AnyTree`].
pub struct Tree(Box<dyn AnyTree>);

/// Writes a trait and implements it for any expansion with the methods of the same names. Each
/// signature is written once.
macro_rules! for_any_expansion {
    ($(#[$doc:meta])* trait $any:ident: $bound:ident of $type:ty; $(
        $(#[$about:meta])* $([$mutable:ident])? fn $name:ident(self $(, $arg:ident: $of:ty)*) $(-> $out:ty)?;
    )*) => {
        $(#[$doc])*
        #[allow(private_bounds)]
        pub trait $any: $bound + Send + Sync {
            $($(#[$about])* fn $name(&$($mutable)? self $(, $arg: $of)*) $(-> $out)?;)*
        }
        impl<E: Expansion> $any for $type {
            $(fn $name(&$($mutable)? self $(, $arg: $of)*) $(-> $out)? {
                <$type>::$name(self $(, $arg)*)
            })*
        }
    };
}

for_any_expansion! {
    /// The methods of a [`Part`].
    trait AnyPart: OwnedAnyPart of build::Part<E>;
    /// The largest cells of the part, as a message to other ranks.
    fn message(self) -> Vec<u8>;
    /// The first of this rank's largest cells in key order.
    ///
    /// # Panics
    /// If the rank has no bodies.
    fn largest_cell(self) -> LargestCell;
}

for_any_expansion! {
    /// The methods of a [`Tree`].
    trait AnyTree: OwnedAnyTree of build::Tree<E>;
    /// The sinks of this rank, and the cells of other ranks that they may open.
    fn own_visit(self) -> Visit;
    /// The request that continues a visit on a rank of the group with these keys. `None` if the
    /// visit opens no cell there.
    fn request(self, visit: &Visit, keys: &Range<u64>) -> Option<Vec<u8>>;
    /// Continues the visit of a request. Finds the cells that it may open: those above the cells of
    /// this rank, those of this rank, and those of other ranks.
    fn visit(self, request: &[u8]) -> Visit;
    /// Appends to a message the cells of this rank's tree that the sinks of a visit may open and
    /// that no earlier rank on the route has sent. A cell stays closed only if none of the sinks
    /// can open it.
    fn essential(self, visit: Visit, message: &mut Vec<u8>);
    /// Adds the essential tree that another rank has sent. Add those of ranks earlier on the route
    /// first.
    [mut] fn graft(self, message: &[u8]);
    /// Sets the moments of all bodies of all ranks, for the far images of a periodic box.
    [mut] fn set_far_images(self, moments: &lattice::Moments);
    /// The number of cells and the number of bodies grafted.
    fn imported(self) -> [u64; 2];
    /// Indices of the sink groups of this rank with active bodies, in key order. The fmm walk has
    /// none.
    fn sink_groups(self) -> Vec<u32>;
    /// Computes acceleration [L/T^2], potential [L^2/T^2] and work of the selected bodies of these
    /// groups with the tree walk, in parallel. `bodies` are those of this rank, in key order.
    /// Returns the groups that need cells which have not been grafted yet, and does not compute
    /// them.
    ///
    /// # Panics
    /// If the tree was built for another walk. If `complete` is true (all essential trees have been
    /// grafted) and a group needs a closed cell: the owner of that cell left out something
    /// essential.
    fn compute_groups(self, groups: &[u32], complete: bool, bodies: &mut Bodies, census: &mut Census) -> Vec<u32>;
    /// Computes acceleration [L/T^2], potential [L^2/T^2] and work of all selected bodies of this
    /// rank, in parallel, with the walk that the tree was built for. `bodies` are those of this
    /// rank, in key order. All essential trees must have been grafted.
    ///
    /// # Panics
    /// If a sink needs a closed cell: the owner of that cell left out something essential.
    fn compute(self, bodies: &mut Bodies, census: &mut Census);
}

/// Methods that take a part by value or change it.
trait OwnedAnyPart {
    fn has_drifted(&mut self);
    fn join(self: Box<Self>, keys: &Range<u64>, message: &[u8]) -> Part;
    fn complete(self: Box<Self>, bodies: u64) -> Tree;
}

/// Methods that take a tree by value, and one for comparisons.
trait OwnedAnyTree {
    fn drifted(
        self: Box<Self>,
        gravity: &Gravity,
        bodies: &Bodies,
        structure: &Structure,
        selection: Selection,
    ) -> Part;
    fn set_path(&mut self, path: Path);
}

impl Part {
    /// Sums the moments upward, from the bodies to the branches of this rank. `bodies` are in key
    /// order. The bodies of the selection are the sinks.
    pub fn new(
        frame: Frame,
        gravity: &Gravity,
        bodies: &Bodies,
        structure: &Structure,
        selection: Selection,
    ) -> Part {
        with_expansion!(gravity, E => {
            Part(Box::new(build::Part::<E>::new(frame, gravity, bodies, structure, selection)))
        })
    }

    /// Marks the bodies as having drifted since they were sorted: they may have left their cells.
    #[must_use]
    pub fn after_drift(mut self) -> Part {
        self.0.has_drifted();
        self
    }

    /// Joins two parts to the part of all bodies with these keys. `message` is the message of the
    /// other part.
    #[must_use]
    pub fn join(self, keys: &Range<u64>, message: &[u8]) -> Part {
        self.0.join(keys, message)
    }

    /// Makes the tree when all parts are joined.
    ///
    /// # Panics
    /// If the parts do not hold `bodies` bodies in total: one was lost during migration.
    #[must_use]
    pub fn complete(self, bodies: u64) -> Tree {
        self.0.complete(bodies)
    }
}

impl Tree {
    /// Returns the part of this rank after its bodies have drifted, in the same order and with the
    /// same gravity. The centres of mass and radii of the cells follow the bodies; the moments
    /// stay. Collective.
    #[must_use]
    pub fn drifted(
        self,
        gravity: &Gravity,
        bodies: &Bodies,
        structure: &Structure,
        selection: Selection,
    ) -> Part {
        self.0.drifted(gravity, bodies, structure, selection)
    }

    /// Computes on this SIMD path instead of the one of the process, for comparisons.
    ///
    /// # Errors
    /// [`Error::Path`] if [`crate::simd_paths`] does not list this name.
    pub fn on_path(&mut self, name: &str) -> Result<(), Error> {
        self.0.set_path(Path::by_name(name)?);
        Ok(())
    }
}

impl Deref for Part {
    type Target = dyn AnyPart;
    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl Deref for Tree {
    type Target = dyn AnyTree;
    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl DerefMut for Tree {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut *self.0
    }
}

impl<E: Expansion> OwnedAnyPart for build::Part<E> {
    fn has_drifted(&mut self) {
        build::Part::has_drifted(self);
    }
    fn join(self: Box<Self>, keys: &Range<u64>, message: &[u8]) -> Part {
        Part(Box::new((*self).join(keys, message)))
    }
    fn complete(self: Box<Self>, bodies: u64) -> Tree {
        Tree(Box::new((*self).complete(bodies)))
    }
}

impl<E: Expansion> OwnedAnyTree for build::Tree<E> {
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
}
