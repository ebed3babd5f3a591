//! The integration tests, in one program: linking is what takes long.

mod architecture;
mod cli;
mod fuzz;
mod generated;
mod hints;
mod real_postfix;
mod secrets;
mod specs;
