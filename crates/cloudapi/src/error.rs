//! Result codes: those we answer with, and what those of devices mean to an operator.

/// The method is not known here, or its data makes no sense.
pub const ILLEGAL_ARGUMENT: i64 = 200_001;
pub const WRONG_BINDING_CODE: i64 = 210_229;
pub const ORGANIZATION_NOT_FOUND: i64 = 210_230;
pub const BIND_FAILED: i64 = 210_231;
pub const BOUND_ELSEWHERE: i64 = 210_232;
/// A reported file could not be read or kept: the dock keeps it and reports it again.
pub const NOT_KEPT: i64 = 324_030;
/// No credentials now: no space, no durable write, or a dock that is not known.
pub const STORAGE_UNAVAILABLE: i64 = 319_027;

/// A known method's data that cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) &'static str);

/// What a code means, in words for an operator. `None`: not one we know.
pub fn text(code: i64) -> Option<&'static str> {
    Some(match code {
        0 => "done",
        ILLEGAL_ARGUMENT => "the message is not known or makes no sense",
        WRONG_BINDING_CODE => "the device binding code is wrong",
        ORGANIZATION_NOT_FOUND => "there is no such organization",
        BIND_FAILED => "the device could not be bound",
        BOUND_ELSEWHERE => "the device is bound elsewhere",
        210_233 => "the binding state could not be read",
        212_015 => "the device is offline",
        316_017 => "counting the aircraft's media timed out: the link between aircraft and dock was lost",
        317_001 | 317_007 => "the number of media files could not be obtained",
        317_002..=317_004 => "formatting failed",
        317_005 => "a recording did not end cleanly: this flight's media may not be uploaded",
        317_006 => "formatting is not possible before the media download ends",
        319_001 => "the dock is busy with a task or with a log upload",
        319_009 => "the task could not be handed over",
        319_017 => "the dock still handles the media of its last task",
        319_018 => "the dock uploads logs",
        STORAGE_UNAVAILABLE => "storage is short: wait until media are uploaded",
        324_016 => "the dock's disk is too full to pack logs",
        324_018 => "logs could not be obtained",
        324_019 => "the log upload failed: network",
        NOT_KEPT => "the media upload failed, or the file could not be read after it",
        327_211 => "storage is short: the panorama was stopped",
        513_017 => "the live view is paused while files are downloaded from the aircraft",
        _ => return None,
    })
}
