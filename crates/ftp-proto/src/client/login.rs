//! All transitions of the client. (To be written.)
