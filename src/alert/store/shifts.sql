-- A handover tells of what happened up to `until`; between then and its signature it was read. NULL: as of the signature.

ALTER TABLE handovers ADD COLUMN until INTEGER;

-- Why a deadline does not apply to an incident; `met` says when that was decided, `met_by` who did.
ALTER TABLE incident_clocks ADD COLUMN waived TEXT;
