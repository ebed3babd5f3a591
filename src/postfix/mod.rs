//! Postfix's own formats: main.cf, master.cf and lookup tables, written and read; and what is known of
//! every parameter. It does not know what a relay is for.

pub mod catalogue;
pub mod check;
pub mod client;
mod installation;
mod list;
pub mod main_cf;
pub mod master_cf;
mod network;
mod parameter;
pub mod services;
pub mod source;
pub mod table;
mod trust;
mod value;

pub use installation::{Installation, Release};
pub use main_cf::MainCf;
pub use network::{Network, NetworkError};
pub use parameter::Parameter;
pub use value::{Value, ValueError};
pub(crate) use value::{closing, is_name_char};
