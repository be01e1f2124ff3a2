//! How updates become the next model. Nothing here knows which network they belong to.

pub mod robust;
