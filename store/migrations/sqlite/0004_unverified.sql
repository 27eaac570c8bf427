CREATE INDEX job_unverified ON job (lane) WHERE reason = 'unverified';
