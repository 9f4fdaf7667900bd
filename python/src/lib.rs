//! Heorot as a Python module: arrays come in, the library crates compute, arrays go out in the caller's order.
//!
//! Reading order: [`arrays`] converts; [`pool`] says which threads compute; [`settings`] makes forces of keyword
//! arguments; then one file for each group of functions. A simulation has several: [`simulation`] is its class,
//! [`running`] goes steps, [`moment`] keeps states, and [`saved`] writes them. The package `heorot` around this module
//! checks types, units and dtypes, and has the documentation for users.

mod analysis;
mod arrays;
mod files;
mod forces;
mod moment;
mod picture;
mod pool;
mod potential;
mod running;
mod saved;
mod schedule;
mod settings;
mod simulation;
mod view;

use pyo3::prelude::*;

/// The compiled part of `heorot`.
#[pymodule]
fn _heorot(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(forces::accelerations, module)?)?;
    module.add_function(wrap_pyfunction!(forces::seconds_of_evaluations, module)?)?;
    module.add_function(wrap_pyfunction!(files::model, module)?)?;
    module.add_function(wrap_pyfunction!(files::load, module)?)?;
    module.add_function(wrap_pyfunction!(files::save, module)?)?;
    module.add_function(wrap_pyfunction!(files::gravitational_constant, module)?)?;
    module.add_function(wrap_pyfunction!(files::log_of_redshift, module)?)?;
    module.add_function(wrap_pyfunction!(files::log_of_scale_factor, module)?)?;
    module.add_function(wrap_pyfunction!(files::read_in_process, module)?)?;
    module.add_function(wrap_pyfunction!(files::serve_parent, module)?)?;
    module.add_function(wrap_pyfunction!(analysis::neighbours, module)?)?;
    module.add_function(wrap_pyfunction!(analysis::halos, module)?)?;
    module.add_function(wrap_pyfunction!(analysis::profile, module)?)?;
    module.add_function(wrap_pyfunction!(analysis::spectrum, module)?)?;
    module.add_function(wrap_pyfunction!(picture::render, module)?)?;
    module.add_function(wrap_pyfunction!(view::view, module)?)?;
    module.add_function(wrap_pyfunction!(schedule::steps, module)?)?;
    module.add_function(wrap_pyfunction!(pool::after_fork, module)?)?;
    module.add_function(wrap_pyfunction!(pool::panic_for_tests, module)?)?;
    module.add_class::<simulation::Simulation>()?;
    module.add_class::<moment::Moment>()?;
    module.add_class::<potential::Potential>()?;
    module.add_class::<schedule::Steps>()?;
    module.add_class::<settings::Settings>()?;
    module.add_class::<settings::StepSettings>()?;
    module.add("InternalError", module.py().get_type::<pool::InternalError>())?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}
