//! All transitions of the server. (To be written.)
