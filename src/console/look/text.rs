//! Every sentence of the console, in Vietnamese and in English.
//!
//! One table gives both, so that a missing translation does not compile. `{}` is filled by `format::fill`.

/// The language of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    Vi,
    #[default]
    En,
}

impl Lang {
    /// Reads `--lang` or a locale such as `vi_VN.UTF-8`: Vietnamese when it begins with `vi`, English otherwise.
    pub fn from_locale(locale: &str) -> Lang {
        if locale.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("vi")) { Lang::Vi } else { Lang::En }
    }

    /// Returns the other one.
    pub fn other(self) -> Lang {
        match self {
            Lang::Vi => Lang::En,
            Lang::En => Lang::Vi,
        }
    }

    /// Returns the text in this language where there is one, else the English.
    pub fn choose<'a>(self, english: &'a str, vietnamese: Option<&'a str>) -> &'a str {
        match self {
            Lang::Vi => vietnamese.filter(|text| !text.is_empty()).unwrap_or(english),
            Lang::En => english,
        }
    }
}

/// Makes the type of the sentences from one table: name, Vietnamese, English. A row without both does not compile.
macro_rules! texts {
    ($($name:ident => ($vietnamese:literal, $english:literal),)*) => {
        /// A sentence or word of the console.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Text {
            $($name,)*
        }

        impl Text {
            /// Returns the text in a language.
            pub(crate) fn in_lang(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Text::$name, Lang::Vi) => $vietnamese, (Text::$name, Lang::En) => $english,)*
                }
            }
        }
    };
}

texts! {
    ScreenAlerts => ("Cảnh báo", "Alerts"),
    ScreenIncidents => ("Sự cố", "Incidents"),
    ScreenSearch => ("Log", "Search"),
    ScreenRules => ("Luật", "Rules"),
    ScreenSources => ("Nguồn", "Sources"),
    ScreenAudit => ("Kiểm toán", "Audit"),
    ScreenReports => ("Báo cáo", "Reports"),
    Live => ("TRỰC TIẾP", "LIVE"),
    Connecting => ("đang kết nối…", "connecting…"),
    Away => ("MẤT KẾT NỐI {} · chỉ đọc · dữ liệu lúc {}", "SERVER AWAY {} · read-only · data as of {}"),
    Refusing => ("ĐANG TỪ CHỐI LOG: {}", "REFUSING LOGS: {}"),
    Lag => ("trễ", "lag"),
    NewRows => ("+{} mới (F5)", "+{} new (F5)"),
    Filter => ("Lọc", "Filter"),
    FilterOpen => ("mở", "open"),
    FilterAll => ("tất cả", "all"),
    Marked => ("đã đánh dấu {}", "{} marked"),
    MarkedAll => ("đã chọn cả {} theo bộ lọc", "all {} in the filter chosen"),
    AlertGroups => ("Cảnh báo (nhóm)", "Alerts (groups)"),
    Detail => ("Chi tiết", "Detail"),
    Around => ("Sự kiện quanh cảnh báo", "Events around the alert"),
    AroundKeys => ("+/- mở rộng, f đổi thực thể, Enter tìm", "+/- widen, f other entity, Enter search"),
    NoEvents => ("không có sự kiện nào trong khoảng này", "no events in this span"),
    ColumnRisk => ("Rủi ro", "Risk"),
    ColumnAge => ("Tuổi", "Age"),
    ColumnCount => ("x", "x"),
    ColumnRule => ("Luật", "Rule"),
    ColumnEntity => ("Thực thể", "Entity"),
    ColumnHost => ("Máy/đơn vị", "Host/unit"),
    ColumnOwner => ("Giữ", "Owner"),
    ColumnStatus => ("Trạng thái", "Status"),
    ColumnPhase => ("Giai đoạn", "Phase"),
    ColumnTitle => ("Tiêu đề", "Title"),
    ColumnAlerts => ("C.báo", "Alerts"),
    ColumnKnown => ("Biết lúc", "Known"),
    ColumnDetections => ("Trúng", "Hits"),
    Why => ("VÌ SAO", "WHY"),
    Entities => ("THỰC THỂ", "ENTITIES"),
    Precedents => ("TIỀN LỆ 30 ngày", "PRECEDENTS 30 days"),
    NoPrecedents => ("chưa có", "none"),
    Response => ("QUY TRÌNH", "RESPONSE"),
    History => ("LỊCH SỬ", "HISTORY"),
    FalsePositives => ("THƯỜNG NHẦM VỚI", "KNOWN FALSE POSITIVES"),
    RawLine => ("DÒNG GỐC", "RAW LINE"),
    IncidentLink => ("SỰ CỐ", "INCIDENT"),
    NobodyHolds => ("chưa ai giữ", "nobody holds it"),
    HeldBy => ("{} giữ", "held by {}"),
    WholeRecord => ("Enter: xem đầy đủ", "Enter: whole record"),
    NoAlerts => ("Không có cảnh báo nào khớp bộ lọc.", "No alert matches the filter."),
    NoIncidents => ("Chưa có sự cố nào. Leo thang một cảnh báo bằng e.", "No incidents. Escalate an alert with e."),
    Loading => ("đang tải…", "loading…"),
    StatusNew => ("mới", "new"),
    StatusTaken => ("đang xử lý", "taken"),
    StatusEscalated => ("đã leo thang", "escalated"),
    StatusClosed => ("đã đóng", "closed"),
    ShortEscalated => ("sự cố", "incid."),
    ShortClosed => ("đóng", "closed"),
    FalsePositive => ("báo động giả", "false positive"),
    BenignPositive => ("lành tính", "benign positive"),
    TruePositive => ("đúng, đã xử lý", "true positive, handled"),
    Duplicate => ("trùng", "duplicate"),
    TestDisposition => ("thử nghiệm", "test"),
    PhaseDetect => ("phát hiện", "detect"),
    PhaseAnalysis => ("phân tích", "analysis"),
    PhaseContainment => ("ngăn chặn", "containment"),
    PhaseEradication => ("loại bỏ", "eradication"),
    PhaseRecover => ("khôi phục", "recover"),
    PhaseClosed => ("đóng", "closed"),
    Timeline => ("DIỄN BIẾN", "TIMELINE"),
    Clocks => ("ĐỒNG HỒ", "CLOCKS"),
    ClockMet => ("xong lúc {}", "met {}"),
    ClockLeft => ("còn {}", "{} left"),
    ClockPassed => ("QUÁ HẠN {}", "OVERDUE {}"),
    Query => ("Truy vấn", "Query"),
    Since => ("Từ", "Since"),
    Everything => ("mọi lúc", "everything"),
    TailOn => ("THEO DÕI TRỰC TIẾP", "LIVE TAIL"),
    TailPaused => ("tạm dừng: về cuối bằng G", "paused: G goes to the end"),
    Events => ("Sự kiện", "Events"),
    EventFields => ("Các trường của sự kiện", "Fields of the event"),
    EventFieldKeys => ("Enter lọc theo, - loại trừ, y chép, b đếm", "Enter narrow, - exclude, y copy, b count"),
    Partial => ("kết quả chưa đủ: {}", "partial result: {}"),
    Searched => ("{}/{} phân vùng, {} ms", "{}/{} partitions, {} ms"),
    MoreBelow => ("còn nữa: PgDn", "more: PgDn"),
    PressEnter => (
        "Enter để tìm, / sửa truy vấn, t khoảng thời gian, l theo dõi trực tiếp",
        "Enter to search, / edit the query, t time span, l live tail"
    ),
    NothingFound => ("Không tìm thấy sự kiện nào.", "No events found."),
    TailWaiting => ("đang chờ sự kiện mới…", "waiting for new events…"),
    FieldsOfPage => ("Các trường trong {} sự kiện đã tải", "Fields in the {} events loaded"),
    TableRows => ("Bảng", "Table"),
    CountsOf => ("{}: đếm trên {} sự kiện đã tải", "{}: counted over the {} events loaded"),
    Inputs => ("Cổng vào", "Inputs"),
    SourcesTitle => ("Nguồn log", "Log sources"),
    ColumnInput => ("Cổng", "Input"),
    ColumnPlace => ("Nơi", "Place"),
    ColumnReceived => ("Nhận", "Received"),
    ColumnStored => ("Lưu", "Stored"),
    ColumnRejected => ("Từ chối", "Rejected"),
    ColumnDropped => ("Mất", "Dropped"),
    ColumnConnections => ("K.nối", "Conns"),
    ColumnSource => ("Nguồn", "Source"),
    ColumnEvents => ("Sự kiện", "Events"),
    ColumnParsed => ("Đọc", "Parsed"),
    ColumnLast => ("Cuối", "Last"),
    ColumnHour => ("Mỗi phút, 1 giờ qua", "Per minute, last hour"),
    Silent => ("IM LẶNG", "SILENT"),
    SilentCount => ("{} im", "{} silent"),
    ConditionGaps => ("MẤT SỐ", "GAPS"),
    ConditionClock => ("SAI GIỜ", "CLOCK"),
    ConditionUnparsed => ("KHÓ ĐỌC", "UNREAD"),
    ConditionDrop => ("ÍT HẲN", "DROP"),
    ConditionSurge => ("TĂNG VỌT", "SURGE"),
    Muted => ("tắt báo", "muted"),
    Learning => ("đang học", "learning"),
    AllWell => ("bình thường", "as usual"),
    ColumnState => ("T.thái", "State"),
    ColumnUsual => ("Giờ qua/quen", "Hour/usual"),
    SortedBy => ("xếp: {}", "by {}"),
    SortState => ("trạng thái", "state"),
    SortName => ("tên", "name"),
    SortEvents => ("sự kiện", "events"),
    SortUnparsed => ("chưa đọc", "unread"),
    SortRate => ("lệch thường lệ", "unlike usual"),
    SourceRate => ("Giờ qua", "Last hour"),
    SourceUsual => ("{}, thường lệ giờ này {}", "{}, usual at this hour {}"),
    SourceUsualUnknown => ("{}, chưa biết thường lệ", "{}, not known yet what is usual"),
    SourceSilentAfter => ("Im lặng sau", "Silent after"),
    SourceUnparsed => ("Chưa đọc được", "Unread lines"),
    SourceClock => ("Đồng hồ", "Clock"),
    SourceZone => ("{} s: giống sai múi giờ", "{} s: looks like the time zone"),
    SourceMissing => ("Thiếu bản tin", "Missing"),
    SourceMuted => ("Tắt báo", "Muted"),
    SourceState => ("Trạng thái", "State"),
    SourcePacks => ("Bộ đọc", "Packs"),
    LastLines => ("Dòng mới nhất", "Last lines"),
    UnreadShapes => ("Dạng dòng chưa đọc được (longan parsers draft)", "Shapes of unread lines (longan parsers draft)"),
    MuteTitle => ("Tắt báo {}", "Mute {}"),
    MuteLabel => ("Bao lâu, lý do", "How long, reason"),
    MuteHint => ("ví dụ: 4h thay ổ đĩa (m, h, d; đến 90d)", "for example: 4h new disk (m, h, d; up to 90d)"),
    DoneMuted => ("Đã tắt báo {}", "Muted {}"),
    DoneUnmuted => ("Đã báo lại {}", "Unmuted {}"),
    NotAdmin => ("Chỉ quản trị viên được làm việc này", "Only an admin may do this"),
    KeySort => ("Xếp", "Sort"),
    KeyMute => ("Tắt báo", "Mute"),
    KeyUnmute => ("Báo lại", "Unmute"),
    KeyLines => ("Xem log", "Its lines"),
    Acknowledges => ("có xác nhận", "acknowledged"),
    Skew => ("lệch giờ {} s", "clock off by {} s"),
    RulesTitle => ("Luật đang chạy", "Running rules"),
    RulesNote => (
        "Chỉ để xem. Thử và kiểm tra luật: longan rules test, longan rules check",
        "For reading only. To test and check: longan rules test, longan rules check"
    ),
    AuditForbidden => (
        "Chỉ kiểm toán viên và quản trị viên được xem nhật ký kiểm toán và bằng chứng.",
        "Only auditors and admins may see the audit log and the evidence."
    ),
    EvidenceTitle => ("Bằng chứng", "Evidence"),
    EvidenceLogName => ("bằng chứng", "evidence log"),
    AuditLogName => ("kiểm toán", "audit log"),
    LogState => ("{} mục, đã ký {}, chữ ký cuối {} trước", "{} entries, {} signed, last signature {} ago"),
    EvidenceKey => ("khoá", "key"),
    PushedTo => ("gửi ra ngoài", "kept also at"),
    PushGiven => ("gửi {} trước", "given {} ago"),
    PushBehind => ("THIẾU từ {}", "LACKING for {}"),
    LastCheck => ("kiểm tra", "last check"),
    NeverChecked => ("chưa lần nào: v kiểm tra mọi thứ đã lưu", "never: v checks everything stored"),
    Checking => ("{} %  {}/{} bản ghi", "{} %  {}/{} records"),
    Intact => ("NGUYÊN VẸN", "INTACT"),
    NotIntact => ("KHÔNG NGUYÊN VẸN: {} điểm sai", "NOT INTACT: {} findings"),
    CheckFigures => (
        "{} bản ghi, {} phân vùng, {} đơn vị niêm phong; {} chưa niêm phong",
        "{} records, {} partitions, {} sealed units; {} not sealed yet"
    ),
    VerifyStarted => ("Đang kiểm tra mọi thứ đã lưu; z dừng", "Checking everything stored; z ends it"),
    VerifyIntact => ("Kiểm tra xong: nguyên vẹn", "Checked: everything is as it was signed"),
    VerifyDamaged => ("Kiểm tra xong: {} điểm sai", "Checked: {} findings"),
    VerifyCancelled => ("đã dừng, không kết luận được", "ended early: it says nothing"),
    VerifyFailed => ("không kiểm tra được", "could not be checked"),
    ByteAt => ("byte thứ", "byte"),
    RecordAt => ("bản ghi", "record"),
    RecordsAt => ("bản ghi {} đến {}", "records {} to {}"),
    AuditLogTitle => ("Ai đã làm gì", "Who did what"),
    AuditEntryTitle => ("Mục {}", "Entry {}"),
    NoEntries => ("Không có mục nào khớp bộ lọc.", "No entry matches the filter."),
    EntryAt => ("Lúc", "At"),
    EntryWho => ("Ai", "Who"),
    EntryAction => ("Việc", "What"),
    EntryDetail => ("Chi tiết", "Detail"),
    EntryBytes => ("từng byte", "as hashed"),
    EntryLeaf => ("băm SHA-256", "leaf SHA-256"),
    EntryProof => ("đường tới gốc", "path to root"),
    EntryPath => ("{} băm", "{} hashes"),
    EntryCheckpoint => ("mốc đã ký", "checkpoint"),
    AuditFilterHint => (
        "chữ bất kỳ, who:an, what:search, since:24h, until:2026-01-31T07:00:00Z",
        "any text, who:an, what:search, since:24h, until:2026-01-31T07:00:00Z"
    ),
    ExportTitle => ("Xuất bằng chứng", "Export with proofs"),
    ExportLabel => ("Tệp mới", "New file"),
    ExportHint => (
        "mọi sự kiện của truy vấn này, kèm chứng minh; tệp nằm trên máy này",
        "all events of this query with their proofs; the file is on this machine"
    ),
    ExportRunning => ("đang niêm phong và thu thập… Esc bỏ", "sealing and gathering… Esc gives up"),
    ExportDone => ("Đã ghi {} KiB", "{} KiB written"),
    ExportCheck => ("Ai cũng kiểm tra được, không cần máy chủ:", "Anybody can check it, without a server:"),
    ExportKeys => ("y chép lệnh   Esc đóng", "y copy the command   Esc close"),
    ExportGivenUp => ("Đã bỏ việc xuất", "The export was given up"),
    SearchRunning => ("đang tìm… {} s, Esc bỏ", "searching… {} s, Esc gives up"),
    SearchGivenUp => ("Đã bỏ việc tìm", "The search was given up"),
    CountsOfAll => ("{}: đếm trên mọi sự kiện tìm được", "{}: counted over all events found"),
    CompletionWaiting => ("đang hỏi các giá trị…", "asking for values…"),
    CompletionNone => ("không có gợi ý", "nothing to offer"),
    TailMissed => ("! lỡ {} sự kiện: máy này đọc không kịp", "! {} events missed: this reader is too slow"),
    DoneColumn => ("Cột: {}", "Columns: {}"),
    ColumnHint => ("Mở một sự kiện (Enter), chọn trường, rồi +", "Open an event (Enter), go to a field, then +"),
    ColumnsFull => ("Đã đủ {} cột", "There are {} columns already"),
    SaveTitle => ("Lưu truy vấn này", "Save this search"),
    SaveLabel => ("Tên", "Name"),
    SaveHint => ("+ ở đầu: mọi người cùng thấy", "+ first: everybody sees it"),
    DoneSaved => ("Đã lưu {}", "Saved {}"),
    SavedTitle => ("Truy vấn đã lưu: Enter tìm, Delete xoá", "Saved searches: Enter runs, Delete deletes"),
    NoSaved => ("Chưa có truy vấn nào được lưu: s để lưu", "No search is saved yet: s saves one"),
    KeySaveSearch => ("Lưu", "Save"),
    KeyOpenSaved => ("đã lưu", "saved ones"),
    KeyColumn => ("cột", "column"),
    KeyVerify => ("Kiểm tra", "Verify"),
    KeyCancelVerify => ("Dừng kiểm tra", "End the check"),
    ReportsNow => ("HIỆN TẠI", "NOW"),
    ReportsPeriod => ("CẢNH BÁO TRONG {} (t đổi khoảng)", "ALERTS OF THE LAST {} (t other period)"),
    ReportsHead => ("mức|có|chưa ai|đóng|nhận|p90|xong|p90", "level|raised|unseen|closed|ack|p90|close|p90"),
    ReportsDays => ("MỖI NGÀY (UTC)", "A DAY (UTC)"),
    ReportsDispositions => ("KẾT LUẬN", "DISPOSITIONS"),
    ReportsRules => ("LUẬT NHIỀU CẢNH BÁO NHẤT (đúng/sai)", "BUSIEST RULES (true/false positives)"),
    ReportsAnalysts => ("NGƯỜI TRỰC (nhận, leo thang, đóng)", "ANALYSTS (taken, escalated, closed)"),
    ReportsHandovers => ("BÀN GIAO ĐÃ KÝ (F12 bàn giao ca này)", "SIGNED HANDOVERS (F12 hands over this shift)"),
    Nothing => ("không có", "none"),
    HandoverTitle => ("Bàn giao ca", "Shift handover"),
    HandoverKeys => ("Enter ký   n ghi chú   Esc đóng", "Enter sign   n note   Esc close"),
    HandoverSigned => ("đã ký bàn giao số {}", "handover {} is signed"),
    Tasks => ("VIỆC", "TASKS"),
    Observables => ("DẤU HIỆU", "OBSERVABLES"),
    MergedInto => ("đã gộp vào {}", "merged into {}"),
    ClockNow => ("LÀM NGAY, biết đã {}", "AT ONCE, known for {}"),
    TaskTitle => ("Việc mới", "New task"),
    TaskDoneTitle => ("Việc nào đã xong?", "Which task is done?"),
    ObservableTitle => ("Dấu hiệu mới", "New observable"),
    ObservableHint => ("loại rồi giá trị: ip 203.0.113.7", "kind, then value: ip 203.0.113.7"),
    TitleTitle => ("Sửa tên sự cố", "Correct the title"),
    LevelTitle => ("Mức của sự cố", "Level of the incident"),
    MergeTitle => ("Gộp vào sự cố số", "Merge into incident number"),
    FigureVersion => ("phiên bản", "version"),
    FigureStarted => ("chạy từ", "started"),
    FigureStored => ("sự kiện đã lưu", "events stored"),
    FigureOpen => ("cảnh báo mở", "open alerts"),
    FigureRules => ("luật đã nạp", "rules loaded"),
    FigurePacks => ("bộ đọc đã nạp", "parser packs loaded"),
    FigureDisk => ("đĩa đã dùng / còn trống", "disk used / free"),
    FigureMemory => ("bộ nhớ", "memory"),
    FigureProblems => ("tệp bị từ chối", "files refused"),
    CloseTitle => ("Đóng {} cảnh báo", "Close {} alert(s)"),
    CloseChoose => ("Chọn kết luận bằng số 1-5, rồi Enter", "Choose a disposition 1-5, then Enter"),
    NoteNeeded => ("Mức cao và nghiêm trọng cần ghi chú", "High and critical need a note"),
    NoteRequired => ("Ghi chú (bắt buộc)", "Note (required)"),
    NoteOptional => ("Ghi chú (không bắt buộc)", "Note (optional)"),
    Note => ("Ghi chú", "Note"),
    NoteTitle => ("Thêm ghi chú", "Add a note"),
    TypeCount => (
        "Hơn 100 cảnh báo: gõ đúng số lượng ({}) rồi Enter",
        "More than 100 alerts: type their number ({}), then Enter"
    ),
    WrongCount => ("Số lượng không khớp", "The number does not match"),
    EscalateTitle => ("Leo thang {} cảnh báo thành sự cố", "Escalate {} alert(s) to an incident"),
    EscalateHint => (
        "Tiêu đề sự cố; hoặc #số để nhập vào sự cố đã có",
        "The incident's title; or #number to join an existing one"
    ),
    FilterTitle => ("Lọc cảnh báo", "Filter alerts"),
    FilterHint => (
        "chữ bất kỳ, sev>=high, is:all, is:closed, owner:an, rule:ID, entity:X",
        "any text, sev>=high, is:all, is:closed, owner:an, rule:ID, entity:X"
    ),
    FilterPlain => ("Lọc danh sách", "Filter the list"),
    PhaseTitle => ("Chuyển giai đoạn", "Change the phase"),
    ClockTitle => ("Đánh dấu hạn đã làm xong", "Mark a deadline as met"),
    TimeTitle => ("Khoảng thời gian", "Time span"),
    PivotTitle => ("Tìm theo thực thể", "Search for an entity"),
    HelpTitle => ("Trợ giúp: gõ để tìm, Enter để chạy", "Help: type to search, Enter runs"),
    PaletteTitle => ("Lệnh", "Commands"),
    Confirm => ("Enter đồng ý   Esc bỏ", "Enter confirm   Esc cancel"),
    DoneTaken => ("Đã nhận {}", "Took {}"),
    DoneReleased => ("Đã trả {}", "Released {}"),
    DoneClosed => ("Đã đóng {} (u hoàn tác)", "Closed {} (u undoes)"),
    DoneReopened => ("Đã mở lại {}", "Reopened {}"),
    DoneNoted => ("Đã ghi chú {}", "Noted on {}"),
    DoneEscalated => ("Đã leo thang {}", "Escalated {}"),
    DoneUndone => ("Đã hoàn tác {}", "Undid {}"),
    DoneIncident => ("Đã cập nhật sự cố {}", "Updated incident {}"),
    DoneSome => ("{}; {} bị từ chối: {}", "{}; {} refused: {}"),
    Copied => ("Đã chép vào bảng tạm", "Copied to the clipboard"),
    NothingToUndo => ("Không có gì để hoàn tác", "Nothing to undo"),
    NothingHere => ("Không có gì ở đây để thao tác", "Nothing here to act on"),
    ReadOnly => ("Máy chủ vắng: chỉ đọc, bản nháp được giữ", "The server is away: read-only, the draft is kept"),
    NotAllowed => ("Vai trò {} không được xử lý cảnh báo", "The role {} may not triage"),
    Conflict => ("{} đang giữ", "{} has it"),
    Changed => ("Đã thay đổi từ lúc bạn xem; đã tải lại", "It changed since you looked; read anew"),
    NotYet => ("Chưa có: {}", "Not there yet: {}"),
    Gap => ("Đã mất kết nối quá lâu: danh sách được đọc lại", "Away for too long: the list was read anew"),
    TooSmall => ("SOC {} mở, {}", "SOC {} open, {}"),
    QuitDraft => ("Còn bản nháp chưa gửi; Esc bỏ nháp trước", "A draft was not sent; Esc drops it first"),
    KeyUp => ("lên", "up"),
    KeyDown => ("xuống", "down"),
    KeyPageUp => ("trang trước", "page up"),
    KeyPageDown => ("trang sau", "page down"),
    KeyTop => ("đầu danh sách", "top"),
    KeyBottom => ("cuối danh sách", "bottom"),
    KeyOpen => ("mở", "open"),
    KeyBack => ("quay lại", "back"),
    KeyPane => ("ô kế tiếp", "next pane"),
    KeyFilter => ("lọc", "filter"),
    KeyHelp => ("trợ giúp", "help"),
    KeyMenu => ("menu", "menu"),
    KeyPalette => ("lệnh", "commands"),
    KeyLanguage => ("vi/en", "vi/en"),
    KeyQuit => ("thoát", "quit"),
    KeyUndo => ("hoàn tác", "undo"),
    KeyCopy => ("chép (OSC 52)", "copy (OSC 52)"),
    KeyMark => ("đánh dấu", "mark"),
    KeyMarkAll => ("chọn cả bộ lọc", "all in the filter"),
    KeyTake => ("Nhận", "Take"),
    KeyRelease => ("Trả lại", "Release"),
    KeyRelated => ("Liên quan", "Related"),
    KeyEscalate => ("Leo thang", "Escalate"),
    KeyRefresh => ("Hiện mới", "Show new"),
    KeyClose => ("Đóng", "Close"),
    KeyExcept => ("Miễn trừ", "Except"),
    KeyHandover => ("Bàn giao", "Handover"),
    KeyPivot => ("tìm thực thể 1-9", "pivot to entity 1-9"),
    KeyReopen => ("Mở lại", "Reopen"),
    KeyNote => ("Ghi chú", "Note"),
    KeyWiden => ("mở rộng", "widen"),
    KeyNarrow => ("thu hẹp", "narrow"),
    KeyNextEntity => ("thực thể khác", "other entity"),
    KeyPhase => ("Giai đoạn", "Phase"),
    KeyMeetClock => ("Xong hạn", "Deadline met"),
    KeyAddTask => ("giao việc", "add a task"),
    KeyFinishTask => ("việc đã xong", "task done"),
    KeyAddObservable => ("ghi dấu hiệu", "add an observable"),
    KeyEditTitle => ("sửa tên", "correct the title"),
    KeyChangeLevel => ("đổi mức", "change the level"),
    KeyMerge => ("gộp vào sự cố khác", "merge into another"),
    KeyTime => ("Thời gian", "Time span"),
    KeyTail => ("Trực tiếp", "Live tail"),
    KeyCountBy => ("Đếm theo", "Count by"),
    KeyExclude => ("loại trừ", "exclude"),
    KeyExport => ("Xuất", "Export"),
    KeyTheme => ("đổi màu", "next theme"),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_chooses() {
        for (locale, lang) in
            [("vi_VN.UTF-8", Lang::Vi), ("VI", Lang::Vi), ("en_US", Lang::En), ("C", Lang::En), ("", Lang::En)]
        {
            assert_eq!(Lang::from_locale(locale), lang, "{locale}");
        }
        assert_eq!(Lang::Vi.choose("a", Some("b")), "b");
        assert_eq!(Lang::Vi.choose("a", None), "a");
        assert_eq!(Lang::En.choose("a", Some("b")), "a");
    }
}
