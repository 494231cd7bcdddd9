"""Where frames come from: a module for each kind of socket."""
