//! Processes that run pipelines: started, listened to, kept in time, ended.
