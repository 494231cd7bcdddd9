"""Where frames come from, private: a module for each kind of socket, each with an IIntake."""
