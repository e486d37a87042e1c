"""Tags and covers: read from originals and written into renditions, by locked-in processes."""
