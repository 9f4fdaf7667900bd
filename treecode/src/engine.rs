//! A rank's part of the tree and the tree that sinks walk, for any expansion. The expansion is chosen here, once, so that the
//! kernels of all orders are compiled in this crate alone.

use crate::kernel::simd::Path;
use crate::tree::build::LargestCell;
use crate::tree::structure::Structure;
use crate::{
    Bodies, Census, Error, Expansion, Frame, Gravity, Selection, Visit, tree::build, with_expansion,
};
use std::ops::{Deref, DerefMut, Range};

/// A part of the tree: the cells of one rank with their moments; joined with other parts, those of a group of ranks.
/// Its methods are those of [`AnyPart`].
pub struct Part(Box<dyn AnyPart>);

/// The tree of one rank: its part, the cells above all ranks' branches, and the essential trees that other ranks have sent.
/// Its methods are those of [`AnyTree`].
pub struct Tree(Box<dyn AnyTree>);

/// Writes a trait for any expansion and implements it by the methods of the same names, so that each signature stands once.
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
    /// The largest cell of this rank that lies first in key order.
    ///
    /// # Panics
    /// If the rank has no bodies.
    fn largest_cell(self) -> LargestCell;
}

for_any_expansion! {
    /// The methods of a [`Tree`].
    trait AnyTree: OwnedAnyTree of build::Tree<E>;
    /// The sinks of this rank, and what they may open of the cells of other ranks.
    fn own_visit(self) -> Visit;
    /// The request by which a rank in a group with these keys continues a visit; `None` if the visit opens nothing there.
    fn request(self, visit: &Visit, keys: &Range<u64>) -> Option<Vec<u8>>;
    /// Continues a visit, given a request: finds the cells that it may open above the cells of this rank, and of the cells of
    /// other ranks.
    fn visit(self, request: &[u8]) -> Visit;
    /// Appends to a message the cells that the sinks of a visit may open, of those that this rank has and no earlier rank on
    /// the route has sent. A cell stays closed only if none of the sinks can open it.
    fn essential(self, visit: Visit, message: &mut Vec<u8>);
    /// Adds the essential tree that another rank has sent. Those of ranks earlier on the route come first.
    [mut] fn graft(self, message: &[u8]);
    /// The number of cells and of bodies grafted.
    fn imported(self) -> [u64; 2];
    /// Indices of all sink groups of this rank that are to feel the field, in key order; none with the fmm walk.
    fn sink_groups(self) -> Vec<u32>;
    /// Computes acceleration [L/T^2], potential [L^2/T^2] and work of the selected bodies of these groups by the tree walk, in
    /// parallel; `bodies` are this rank's, in key order. Returns the groups that need cells which have not been grafted yet;
    /// these are not computed.
    ///
    /// # Panics
    /// If the tree was built for another walk; or if it is `complete`, all essential trees having been grafted, and a group needs
    /// a closed cell: its owner left out something essential.
    fn compute_groups(self, groups: &[u32], complete: bool, bodies: &mut Bodies, census: &mut Census) -> Vec<u32>;
    /// Computes acceleration [L/T^2], potential [L^2/T^2] and work of all selected bodies of this rank by the walk that the tree
    /// was built for, in parallel; `bodies` are this rank's, in key order. All essential trees must have been grafted.
    ///
    /// # Panics
    /// If a sink needs a closed cell: its owner left out something essential.
    fn compute(self, bodies: &mut Bodies, census: &mut Census);
}

/// What takes a part by value.
trait OwnedAnyPart {
    fn has_drifted(&mut self);
    fn join(self: Box<Self>, keys: &Range<u64>, message: &[u8]) -> Part;
    fn complete(self: Box<Self>, bodies: u64) -> Tree;
}

/// What takes a tree by value, or belongs to comparisons.
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
    /// Carries moments upward from the bodies, which are in key order, to this rank's branches. The bodies of the selection will
    /// feel the field.
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

    /// The same part, of bodies that have drifted since they were sorted, so that they may have left their cells.
    #[must_use]
    pub fn after_drift(mut self) -> Part {
        self.0.has_drifted();
        self
    }

    /// Joins it with another part, given the message of that, to the part of all bodies with these keys.
    #[must_use]
    pub fn join(self, keys: &Range<u64>, message: &[u8]) -> Part {
        self.0.join(keys, message)
    }

    /// The tree, once all parts are joined.
    ///
    /// # Panics
    /// If the parts do not hold `bodies` bodies in all: one was lost on its way to its rank.
    #[must_use]
    pub fn complete(self, bodies: u64) -> Tree {
        self.0.complete(bodies)
    }
}

impl Tree {
    /// The part of this rank again after its bodies, in the same order and with the same gravity, have drifted: the centres of
    /// mass and radii of its cells follow them, the moments stay as they were. Collective.
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

    /// Computes on another SIMD path than the one of this process, for comparisons.
    ///
    /// # Errors
    /// [`Error::Path`] if [`crate::simd_paths`] does not name it.
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
