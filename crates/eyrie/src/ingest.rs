//! The one way in, for docks, Pilot 2, reconciliation and import alike.
