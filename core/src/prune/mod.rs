//! What to drop: exact and near duplicates, outliers, and selection to a size.
