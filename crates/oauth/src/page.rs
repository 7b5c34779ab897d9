//! The few pages that people see: plain, server-rendered, without scripts.
